// What a server says when it opens: version, capabilities, and with the old protocol all its refs. gitprotocol-pack(5),
// "Reference Discovery"; gitprotocol-v2(5), "Initial Client Request" and ls-refs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "git/pktline.h"
#include "git/ref.h"
#include "remote/transport.h"

namespace packferry {

// What protects us from endless listings; Exhausted when exceeded.
struct ListingLimits {
  std::size_t refs_max = 2'000'000;
  std::size_t bytes_max = 512u * 1024 * 1024;
};

// "name" or "name=value", several values for symref.
class Capabilities {
 public:
  // Separated by spaces (version 0 and 1).
  static Capabilities parse(std::string_view text);
  void add(std::string_view word);
  bool has(std::string_view name) const;
  // The first value of `name=value`; none when absent or without a value.
  std::optional<std::string_view> value(std::string_view name) const;
  // All of them, in the order in which they came.
  std::vector<std::string_view> values(std::string_view name) const;
  // Does the space-separated value of `name` hold this word? (v2: fetch=shallow filter …)
  bool value_has(std::string_view name, std::string_view word) const;
  std::vector<std::string> words() const;

 private:
  std::multimap<std::string, std::string, std::less<>> words_;
};

// All that one side holds and can do, seen at one moment.
struct Listing {
  int protocol = 0;  // 0, 1 or 2
  ObjectFormat format = ObjectFormat::Sha1;
  Capabilities capabilities;
  RefMap refs;  // without HEAD
  Head head;
  std::vector<Oid> extra_haves;  // ".have" lines of a receive-pack: objects it has that no ref of it names
  bool shallow = false;          // a shallow repository: it cannot give full history
};

struct Advertisement {
  int protocol = 0;
  Capabilities capabilities;
  // Protocol 0 and 1: everything. Protocol 2: only `protocol`, `format` and `capabilities`; refs come from ls-refs.
  Listing listing;
};

// Reads up to and including the flush. An end before it is Unavailable (never a shorter listing), a bad name, oid,
// order or a name twice is Corrupt, ERR is what remote_error() makes of it.
Result<Advertisement> read_advertisement(Reader& greeting, Service service, const ListingLimits& limits = {});

// Answers of `ls-refs` with peel, symrefs and unborn; `listing` brings format and capabilities and is completed.
Result<> read_ls_refs(PktReader& packets, Listing& listing, const ListingLimits& limits = {});

}  // namespace packferry
