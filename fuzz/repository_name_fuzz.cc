// A name and its key lead to each other, each in one spelling, and below a key there is room for the objects of its
// repository.
#include "backup/repository_name.h"
#include "backup/snapshot_log.h"
#include "fuzz.h"

using namespace packferry;

FUZZ(input) {
  const std::string_view text = input.rest();
  if (const auto name = RepositoryName::parse(text)) {
    CHECK(name->text() == text && text.ends_with(name->last_part()) && !name->last_part().empty());
    const std::string key = name->key();
    CHECK(key.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-%/") ==
          std::string::npos);
    const Result<RepositoryName> again = RepositoryName::from_key(key);
    CHECK(again && *again == *name);
    CHECK(check_key("manifests/" + key + "/0000000001.connected.20261122T134500Z"));
    const std::string_view last = std::string_view(key).substr(key.rfind('/') + 1);
    CHECK(!parse_snapshot_number(last.substr(0, 10)) || last.substr(10, 1) != ".");
  }
  if (const auto name = RepositoryName::from_key(text)) CHECK(name->key() == text);
}
