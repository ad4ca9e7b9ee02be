#include "backup/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include "base/printable.h"
#include "io/stream.h"
#include "store/object_store.h"

namespace packferry {
namespace {

constexpr std::string_view kTitle = "packferry-manifest";
constexpr std::string_view kVersion = "1";
constexpr std::string_view kNotIncluded = "lfs-objects forge-data";
constexpr std::size_t kNumberDigits = 10;
constexpr std::size_t kSha256Digits = 64;
constexpr std::size_t kShownBytesMax = 200;

template <typename... Args>
Error corrupt(fmt::format_string<Args...> format, Args&&... args) {
  return Error(ErrorKind::Corrupt, format, std::forward<Args>(args)...);
}

std::string shown(std::string_view text) { return printable(text, kShownBytesMax); }

bool is_sha256(std::string_view text) {
  return text.size() == kSha256Digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string above_refs(const Manifest& manifest) {
  std::string text;
  const auto line = [&]<typename... Args>(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text), format, std::forward<Args>(args)...);
    text += '\n';
  };
  line("{} {}", kTitle, kVersion);
  line("repository {}", manifest.repository.key());
  line("number {}", snapshot_number_text(manifest.number));
  line("created {}", to_iso8601(manifest.created_at));
  line("source {}", printable(manifest.source, std::string::npos));
  line("object-format {}", to_string(manifest.format));
  if (manifest.head.target)
    line("head {}", manifest.head.target->text());
  else if (manifest.head.oid)
    line("head-detached {}", manifest.head.oid->hex());
  line("not-included {}", kNotIncluded);
  if (manifest.withheld > 0) line("withheld {}", manifest.withheld);
  if (manifest.previous)
    line("previous {} {}", snapshot_number_text(manifest.previous->number), manifest.previous->sha256);
  for (const DataObject& data : manifest.chain)
    line("data {} {} {} {} {} {} {}", snapshot_number_text(data.snapshot), data.full ? "full" : "incremental",
         to_string(data.format), data.encrypted ? "age" : "plain", data.bytes, data.sha256, data.key);
  return text;
}

void append_ref_line(std::string& text, std::string_view word, const Oid& oid, const RefName& name) {
  text += word;
  text += ' ';
  text += oid.hex();
  text += ' ';
  text += name.text();
  text += '\n';
}

// The lines of a manifest, taken from the front.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {}

  std::size_t at() const { return at_; }
  bool at_end() const { return at_ == text_.size(); }
  // What follows "WORD " on the next line, if that begins so.
  std::optional<std::string_view> optional(std::string_view word) {
    const std::string_view line = next();
    if (!line.starts_with(word) || line.substr(word.size(), 1) != " ") return std::nullopt;
    at_ += line.size() + 1;
    return line.substr(word.size() + 1);
  }
  Result<std::string_view> required(std::string_view word) {
    if (const auto value = optional(word)) return *value;
    return corrupt("'{}' where '{}' must stand", shown(next()), word);
  }
  std::string_view next() const {
    const std::string_view rest = text_.substr(at_);
    return rest.substr(0, rest.find('\n'));
  }

 private:
  const std::string_view text_;  // ends with a line feed
  std::size_t at_ = 0;
};

// The first words of a line; the last one is the rest of it.
template <std::size_t kCount>
Result<std::array<std::string_view, kCount>> split(std::string_view line) {
  std::array<std::string_view, kCount> words;
  std::string_view rest = line;
  for (std::size_t i = 0; i + 1 < kCount; ++i) {
    const std::size_t space = rest.find(' ');
    if (space == std::string_view::npos) return corrupt("'{}' has less than {} words", shown(line), kCount);
    words[i] = rest.substr(0, space);
    rest.remove_prefix(space + 1);
  }
  words.back() = rest;
  return words;
}

// Spelling is not looked at here: see parse_manifest().
Result<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return corrupt("'{}' is not a number", shown(text));
  return value;
}

Result<std::uint64_t> require_snapshot_number(std::string_view text) {
  if (const auto number = parse_snapshot_number(text)) return *number;
  return corrupt("'{}' is not the number of a snapshot", shown(text));
}

Result<Clock::WallTime> require_time(std::string_view text) {
  if (const auto time = from_iso8601(text)) return *time;
  return corrupt("'{}' is not a time", shown(text));
}

Result<std::string> require_sha256(std::string_view text) {
  if (!is_sha256(text)) return corrupt("'{}' is not a SHA-256", shown(text));
  return std::string(text);
}

Result<bool> one_of(std::string_view text, std::string_view yes, std::string_view no) {
  if (text != yes && text != no) return corrupt("'{}' is neither {} nor {}", shown(text), yes, no);
  return text == yes;
}

Result<RefName> require_ref_name(std::string_view text) {
  Result<RefName> name = RefName::parse(text);
  if (!name) return corrupt("{}", name.error().message());
  if (text == "HEAD") return corrupt("HEAD stands among the refs");
  return name;
}

Result<Oid> require_oid(std::string_view text, ObjectFormat format) {
  const Oid oid = TRY(Oid::parse(text));
  if (oid.format() != format) return corrupt("object name '{}' is not {}", text, to_string(format));
  if (oid.is_zero()) return corrupt("object name '{}' is all zeros", text);
  return oid;
}

Result<> check_version(std::string_view text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  const std::string title = fmt::format("{} ", kTitle);
  if (!line.starts_with(title)) return corrupt("not a manifest");
  const std::string_view version = line.substr(title.size());
  if (version == kVersion) return {};
  if (version.empty() || version.find_first_not_of("0123456789") != std::string_view::npos || version.front() == '0')
    return corrupt("not a manifest");
  return Error(ErrorKind::Unsupported, "a manifest of version {}: this program reads version {}", shown(version),
               kVersion);
}

// The text above the last line, which is the digest of it.
Result<std::string_view> without_end_line(std::string_view text) {
  constexpr std::string_view kEnd = "end ";
  constexpr std::size_t kEndLineBytes = kEnd.size() + kSha256Digits + 1;
  if (text.size() <= kEndLineBytes || text.back() != '\n') return corrupt("it ends early");
  const std::string_view above = text.substr(0, text.size() - kEndLineBytes);
  const std::string_view end = text.substr(above.size(), kEndLineBytes - 1);
  if (!end.starts_with(kEnd) || above.back() != '\n') return corrupt("it ends early");
  if (end.substr(kEnd.size()) != manifest_digest(above)) return corrupt("its digest does not agree");
  return above;
}

Result<Head> parse_head(Lines& lines, ObjectFormat format) {
  Head head;
  if (const auto target = lines.optional("head"))
    head.target = TRY(require_ref_name(*target));
  else if (const auto oid = lines.optional("head-detached"))
    head.oid = TRY(require_oid(*oid, format));
  return head;
}

Result<DataObject> parse_data(std::string_view line) {
  const auto [snapshot, full, format, encrypted, bytes, sha256, key] = TRY(split<7>(line));
  DataObject data;
  data.snapshot = TRY(require_snapshot_number(snapshot));
  data.full = TRY(one_of(full, "full", "incremental"));
  data.format = TRY(one_of(format, "bundle", "zip"))
  ? BackupFormat::Bundle : BackupFormat::Zip;
  data.encrypted = TRY(one_of(encrypted, "age", "plain"));
  data.bytes = TRY(parse_number(bytes));
  data.sha256 = TRY(require_sha256(sha256));
  if (const auto checked = check_key(key); !checked) return corrupt("{}", checked.error().message());
  if (key.starts_with("manifests/")) return corrupt("'{}' is no place for data", shown(key));
  data.key = key;
  return data;
}

Result<PreviousManifest> parse_previous(std::string_view line, std::uint64_t number) {
  const auto [previous_number, sha256] = TRY(split<2>(line));
  PreviousManifest previous;
  previous.number = TRY(require_snapshot_number(previous_number));
  previous.sha256 = TRY(require_sha256(sha256));
  if (previous.number >= number) return corrupt("the previous snapshot is not an earlier one");
  return previous;
}

Result<Manifest> parse_above_refs(Lines& lines) {
  TRY(lines.required(kTitle));
  const std::string_view repository = TRY(lines.required("repository"));
  const std::string_view number = TRY(lines.required("number"));
  const std::string_view created = TRY(lines.required("created"));
  const std::string_view source = TRY(lines.required("source"));
  const std::string_view format = TRY(lines.required("object-format"));

  RepositoryName name = TRY(RepositoryName::from_key(repository));
  Manifest manifest{.repository = std::move(name)};
  manifest.number = TRY(require_snapshot_number(number));
  manifest.created_at = TRY(require_time(created));
  manifest.source = source;
  manifest.format = TRY(one_of(format, "sha1", "sha256"))
  ? ObjectFormat::Sha1 : ObjectFormat::Sha256;
  manifest.head = TRY(parse_head(lines, manifest.format));
  TRY(lines.required("not-included"));
  if (const auto withheld = lines.optional("withheld")) manifest.withheld = TRY(parse_number(*withheld));
  if (const auto previous = lines.optional("previous"))
    manifest.previous = TRY(parse_previous(*previous, manifest.number));
  while (const auto data = lines.optional("data")) manifest.chain.push_back(TRY(parse_data(*data)));
  return manifest;
}

Result<> check_chain(const Manifest& manifest) {
  const std::vector<DataObject>& chain = manifest.chain;
  if (chain.empty()) return {};
  std::vector<std::string_view> keys;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    if (chain[i].full != (i == 0)) return corrupt("a chain is one full object, then incremental ones");
    if (chain[i].format == BackupFormat::Zip && chain.size() > 1) return corrupt("a zip has a chain of its own");
    if (i > 0 && chain[i].snapshot <= chain[i - 1].snapshot) return corrupt("the links of the chain are out of order");
    keys.push_back(chain[i].key);
  }
  if (chain.back().snapshot > manifest.number) return corrupt("a link was made for a later snapshot");
  std::sort(keys.begin(), keys.end());
  const auto twice = std::adjacent_find(keys.begin(), keys.end());
  if (twice != keys.end()) return corrupt("'{}' stands twice in the chain", shown(*twice));
  return {};
}

Result<> parse_peeled(Lines& lines, ObjectFormat format, std::vector<Ref>& refs) {
  auto ref = refs.begin();
  while (const auto line = lines.optional("peeled")) {
    const auto [oid, name] = TRY(split<2>(*line));
    const Oid peeled = TRY(require_oid(oid, format));
    // Both are sorted, so one pass finds them all; what is out of order is not found.
    while (ref != refs.end() && ref->name.text() < name) ++ref;
    if (ref == refs.end() || ref->name.text() != name || ref->peeled)
      return corrupt("peeled '{}' has no ref, or is out of order", shown(name));
    ref->peeled = peeled;
  }
  return {};
}

Result<RefMap> parse_refs(Lines& lines, ObjectFormat format) {
  std::vector<Ref> refs;
  while (const auto line = lines.optional("ref")) {
    const auto [oid, name] = TRY(split<2>(*line));
    RefName ref_name = TRY(require_ref_name(name));
    const Oid value = TRY(require_oid(oid, format));
    Ref ref{std::move(ref_name), value};
    if (!refs.empty() && ref.name <= refs.back().name) return corrupt("ref '{}' is out of order", shown(name));
    refs.push_back(std::move(ref));
  }
  TRY(parse_peeled(lines, format, refs));
  return RefMap::from(std::move(refs));
}

}  // namespace

std::string_view to_string(BackupFormat format) { return format == BackupFormat::Bundle ? "bundle" : "zip"; }

Result<BackupFormat> parse_backup_format(std::string_view text) {
  if (text == "bundle") return BackupFormat::Bundle;
  if (text == "zip") return BackupFormat::Zip;
  return Error(ErrorKind::Invalid, "backup format '{}' is neither bundle nor zip", shown(text));
}

std::string snapshot_number_text(std::uint64_t number) { return fmt::format("{:0{}}", number, kNumberDigits); }

std::optional<std::uint64_t> parse_snapshot_number(std::string_view text) {
  const Result<std::uint64_t> number = parse_number(text);
  if (!number || *number == 0 || text.size() != kNumberDigits) return std::nullopt;
  return *number;
}

std::string to_text(const Manifest& manifest) {
  std::string text = above_refs(manifest);
  for (const Ref& ref : manifest.refs) append_ref_line(text, "ref", ref.oid, ref.name);
  for (const Ref& ref : manifest.refs)
    if (ref.peeled) append_ref_line(text, "peeled", *ref.peeled, ref.name);
  text += fmt::format("end {}\n", manifest_digest(text));
  return text;
}

Result<Manifest> parse_manifest(std::string_view text) {
  TRY(check_version(text));
  Lines lines(TRY(without_end_line(text)));
  Manifest manifest = TRY(parse_above_refs(lines));
  TRY(check_chain(manifest));
  // What was understood so far has one spelling. The lines below leave no choice anyhow.
  if (above_refs(manifest) != text.substr(0, lines.at())) return corrupt("it is not spelt as a manifest is");

  manifest.refs = TRY(parse_refs(lines, manifest.format));
  if (!lines.at_end()) return corrupt("'{}' in a place of its own", shown(lines.next()));
  if (manifest.head.target)
    if (const Ref* branch = manifest.refs.find(*manifest.head.target)) manifest.head.oid = branch->oid;
  return manifest;
}

std::string manifest_digest(std::string_view text) {
  return to_hex(digest_of(DigestAlgorithm::Sha256, as_bytes(text)));
}

}  // namespace packferry
