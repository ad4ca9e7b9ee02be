#include "git/bundle.h"

#include <fmt/format.h>

#include <span>
#include <utility>

#include "base/printable.h"

namespace packferry {
namespace {

constexpr std::string_view kVersion2 = "# v2 git bundle";
constexpr std::string_view kVersion3 = "# v3 git bundle";
constexpr std::string_view kObjectFormat = "@object-format=";
constexpr std::size_t kShownBytesMax = 200;

template <typename... Args>
Error corrupt(fmt::format_string<Args...> format, Args&&... args) {
  return Error(ErrorKind::Corrupt, format, std::forward<Args>(args)...);
}

std::string shown(std::string_view text) { return printable(text, kShownBytesMax); }

class HeaderLines {
 public:
  HeaderLines(Reader& from, std::size_t bytes_max) : from_(from), bytes_max_(bytes_max), left_(bytes_max) {}

  // The next line without its line feed. When it has at least `least` bytes, or none, they are read at once.
  Result<std::string_view> next(std::size_t least = 1) {
    line_.clear();
    TRY(take(1));
    if (line_ != "\n") TRY(take(least - 1));
    while (line_.back() != '\n') TRY(take(1));
    line_.pop_back();
    if (line_.find('\n') != std::string::npos) return corrupt("the line '{}' is too short", shown(line_));
    return line_;
  }

 private:
  Result<> take(std::size_t bytes) {
    if (bytes == 0) return {};
    if (bytes > left_) return Error(ErrorKind::Exhausted, "more than {} bytes", bytes_max_);
    left_ -= bytes;
    const std::size_t at = line_.size();
    line_.resize(at + bytes);
    return read_exactly(from_, std::as_writable_bytes(std::span(line_)).subspan(at));
  }

  Reader& from_;
  std::string line_;
  const std::size_t bytes_max_;
  std::size_t left_;
};

Result<Oid> parse_oid(std::string_view hex, ObjectFormat format) {
  const Oid oid = TRY(Oid::parse(hex));
  if (oid.format() != format) return corrupt("object name '{}' is not {}", hex, to_string(format));
  if (oid.is_zero()) return corrupt("object name '{}' is all zeros", hex);
  return oid;
}

// "-OID", and a comment for people behind a space.
Result<Oid> parse_prerequisite(std::string_view line, ObjectFormat format) {
  const std::string_view hex = line.substr(1, oid_hex_digits(format));
  const std::string_view comment = line.substr(1 + hex.size());
  if (!comment.empty() && comment.front() != ' ') return corrupt("'{}' is no prerequisite", shown(line));
  return parse_oid(hex, format);
}

// "OID NAME"
Result<Ref> parse_ref(std::string_view line, ObjectFormat format) {
  const std::size_t digits = oid_hex_digits(format);
  if (line.size() <= digits || line[digits] != ' ') return corrupt("'{}' is no ref", shown(line));
  const Oid oid = TRY(parse_oid(line.substr(0, digits), format));
  Result<RefName> name = RefName::parse(line.substr(digits + 1));
  if (!name) return corrupt("{}", name.error().message());
  return Ref{std::move(name).value(), oid};
}

Result<ObjectFormat> parse_capability(std::string_view line) {
  if (!line.starts_with(kObjectFormat)) return corrupt("a bundle that needs '{}'", shown(line.substr(1)));
  Result<ObjectFormat> format = parse_object_format(line.substr(kObjectFormat.size()));
  if (!format) return corrupt("{}", format.error().message());
  return format;
}

// Prerequisites, then refs, then an empty line. The first of them may have been read to see what it is.
Result<> read_body(HeaderLines& lines, std::optional<std::string> first, BundleHeader& header) {
  std::vector<Ref> refs;
  while (true) {
    const std::string line = first ? std::move(*first) : std::string(TRY(lines.next(oid_hex_digits(header.format))));
    first.reset();
    if (line.empty()) break;
    if (line.front() == '-' && refs.empty() && !header.head) {
      header.prerequisites.push_back(TRY(parse_prerequisite(line, header.format)));
      continue;
    }
    Ref ref = TRY(parse_ref(line, header.format));
    if (ref.name.text() != "HEAD") {
      refs.push_back(std::move(ref));
    } else {
      if (header.head) return corrupt("HEAD is listed twice");
      header.head = ref.oid;
    }
  }
  header.refs = TRY(RefMap::from(std::move(refs)));
  return {};
}

Result<BundleHeader> read_header(Reader& from, std::size_t bytes_max) {
  HeaderLines lines(from, bytes_max);
  BundleHeader header;
  const std::string signature(TRY(lines.next(kVersion2.size())));
  if (signature != kVersion2 && signature != kVersion3) return corrupt("'{}' begins no bundle", shown(signature));
  std::optional<std::string> first;
  while (signature == kVersion3) {
    first = TRY(lines.next());
    if (!first->starts_with('@')) break;
    header.format = TRY(parse_capability(*first));
  }
  TRY(read_body(lines, std::move(first), header));
  return header;
}

}  // namespace

std::string to_text(const BundleHeader& header) {
  const bool is_version_2 = header.format == ObjectFormat::Sha1;
  std::string text = fmt::format("{}\n", is_version_2 ? kVersion2 : kVersion3);
  if (!is_version_2) text += fmt::format("{}{}\n", kObjectFormat, to_string(header.format));
  for (const Oid& oid : header.prerequisites) text += fmt::format("-{} \n", oid.hex());
  for (const Ref& ref : header.refs) text += fmt::format("{} {}\n", ref.oid.hex(), ref.name.text());
  if (header.head) text += fmt::format("{} HEAD\n", header.head->hex());
  return text + '\n';
}

Result<BundleHeader> read_bundle_header(Reader& from, std::size_t bytes_max) {
  return read_header(from, bytes_max).context("header of a bundle");
}

}  // namespace packferry
