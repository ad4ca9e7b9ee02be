// What the pages of a listing add up to. Half a list is an error, because what is missing from a list looks deleted; so
// whatever shows that a page was lost, came twice or was not the one that was asked for ends it.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/host.h"

namespace packferry {

struct ListedPage {
  std::vector<HostedRepository> repositories = {};
  std::optional<std::uint64_t> total = {};  // how many there are in all, where the host says so
  std::string next = {};                    // the address of the next page, absolute or not; empty: this is the last
};

class RepositoryList {
 public:
  static constexpr std::size_t kRepositoriesMax = 1'000'000;

  // Corrupt: nothing on the page is new. Unavailable: something on it is not, as when repositories are made or deleted
  // while they are listed: another look is worth it. Exhausted: more than kRepositoriesMax.
  Result<> add(ListedPage page);
  // Sorted by name. Unavailable when there are fewer than the host said there were; Corrupt when two have one name.
  Result<std::vector<HostedRepository>> finish() &&;

 private:
  std::vector<HostedRepository> all_;
  std::set<std::string> seen_;  // ids; where the host has none, names
  std::uint64_t total_ = 0;     // the largest that was stated
};

// "group/part/project": `parts_min` to `parts_max` parts of letters, digits and "._-", none of them "." or "..", and no
// ".git" behind the last. Invalid; what a host says and that is not so is Corrupt.
Result<> check_hosted_name(std::string_view name, std::size_t parts_min, std::size_t parts_max);

// All but the last part of a name, and the last.
std::string_view owner_of(std::string_view name);
std::string_view last_part_of(std::string_view name);

}  // namespace packferry
