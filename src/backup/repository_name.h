// The name that a repository has in a store, "app/web": docs/formats/backup.md, "Keys". Any name that a host can have
// becomes one, and two different names never share a key.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/result.h"

namespace packferry {

class RepositoryName {
 public:
  // As a key: a data key may hold all of it twice, and a part beside a time and an extension (store/object_store.h).
  static constexpr std::size_t kKeyBytesMax = 400;
  static constexpr std::size_t kKeyPartBytesMax = 200;

  // Parts separated by '/'; Invalid when one is empty, "." or "..", when the name does not show as it is (printable():
  // control characters, text that is not UTF-8), or when it is longer than that.
  static Result<RepositoryName> parse(std::string_view text);
  // "app/web%20site" back to the name; Corrupt when parse() and key() would not have written it so.
  static Result<RepositoryName> from_key(std::string_view key);

  const std::string& text() const { return text_; }
  std::string_view last_part() const;
  // As it stands in keys.
  std::string key() const;

  friend auto operator<=>(const RepositoryName&, const RepositoryName&) = default;

 private:
  explicit RepositoryName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// One part of a key: letters, digits, '.', '_' and '-' stand for themselves, every other byte is '%' and two digits. A
// '.' is written so, too, where it would make the part special: as its first byte, and after ten digits, since
// "0000000001.manifest" is the name of an object of ours.
std::string encode_key_part(std::string_view part);

}  // namespace packferry
