#include "remote/advertisement.h"

#include <algorithm>
#include <utility>

#include "base/printable.h"

namespace packferry {
namespace {

// No server says more about itself than this.
constexpr std::size_t kCapabilitiesMax = 1000;
constexpr std::size_t kCapabilityBytesMax = 256 * 1024;

constexpr std::string_view kPeeledSuffix = "^{}";

// The next line of a listing; its end must come from the server.
Result<PktLine> next_line(PktReader& packets) {
  const PktLine line = TRY(packets.next_or_remote_error());
  if (line.kind == PktLine::Kind::EndOfStream)
    return Error(ErrorKind::Unavailable, "the other side hung up before its list of refs was complete");
  if (!line.is_data() && !line.is_flush())
    return Error(ErrorKind::Corrupt, "a list of refs is divided where it must not be");
  return line;
}

// The text before the first `separator`, which leaves `rest` together with it.
std::string_view take_word(std::string_view& rest, char separator = ' ') {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

Result<Oid> parse_wire_oid(std::string_view hex, ObjectFormat format) {
  Result<Oid> oid = Oid::parse(hex);
  if (!oid || oid->format() != format)
    return Error(ErrorKind::Corrupt, "'{}' is no {} object name", printable(hex, 100), to_string(format));
  return oid;
}

Result<RefName> parse_wire_name(std::string_view text) {
  Result<RefName> name = RefName::parse(text);
  if (!name) return Error(ErrorKind::Corrupt, "a ref named '{}', which git does not allow", printable(text, 200));
  return name;
}

Result<ObjectFormat> format_of(const Capabilities& capabilities) {
  const std::optional<std::string_view> word = capabilities.value("object-format");
  if (!word) return ObjectFormat::Sha1;
  Result<ObjectFormat> format = parse_object_format(*word);
  if (!format) return Error(ErrorKind::Unsupported, "object format '{}' is not known here", printable(*word, 100));
  return format;
}

// Fills a Listing ref by ref and keeps it within bounds.
class Collector {
 public:
  Collector(Listing& listing, const ListingLimits& limits) : listing_(listing), limits_(limits) {}

  Result<> count(const PktLine& line) {
    bytes_ += line.payload.size() + 4;
    if (bytes_ > limits_.bytes_max)
      return Error(ErrorKind::Exhausted, "the list of refs is longer than {} bytes", limits_.bytes_max);
    return {};
  }

  Result<> ref(RefName name, const Oid& oid, std::optional<Oid> peeled = std::nullopt) {
    if (oid.is_zero()) return Error(ErrorKind::Corrupt, "ref '{}' points at no object", printable(name.text(), 200));
    if (name.text() == "HEAD") {
      if (listing_.head.oid) return Error(ErrorKind::Corrupt, "HEAD is listed twice");
      listing_.head.oid = oid;
      return {};
    }
    TRY(room_for_one());
    refs_.push_back({std::move(name), oid, std::move(peeled)});
    return {};
  }

  // "refs/tags/v1^{}" follows "refs/tags/v1".
  Result<> peeled(std::string_view name, const Oid& oid) {
    if (name == "HEAD" && listing_.head.oid) return {};
    if (refs_.empty() || refs_.back().name.text() != name || refs_.back().peeled)
      return Error(ErrorKind::Corrupt, "'{}^{{}}' does not follow its ref", printable(name, 200));
    refs_.back().peeled = oid;
    return {};
  }

  Result<> extra_have(const Oid& oid) {
    TRY(room_for_one());
    listing_.extra_haves.push_back(oid);
    return {};
  }

  bool empty() const { return refs_.empty() && !listing_.head.oid; }

  Result<> finish() {
    listing_.refs = TRY(RefMap::from(std::move(refs_)));
    std::sort(listing_.extra_haves.begin(), listing_.extra_haves.end());
    const auto repeated = std::unique(listing_.extra_haves.begin(), listing_.extra_haves.end());
    listing_.extra_haves.erase(repeated, listing_.extra_haves.end());
    return {};
  }

 private:
  Result<> room_for_one() {
    if (refs_.size() + listing_.extra_haves.size() < limits_.refs_max) return {};
    return Error(ErrorKind::Exhausted, "the other side lists more than {} refs", limits_.refs_max);
  }

  Listing& listing_;
  const ListingLimits limits_;
  std::vector<Ref> refs_;
  std::size_t bytes_ = 0;
};

// symref=HEAD:refs/heads/main
Result<> take_head_target(Listing& listing) {
  for (std::string_view symref : listing.capabilities.values("symref")) {
    if (take_word(symref, ':') == "HEAD") listing.head.target = TRY(parse_wire_name(symref));
  }
  return {};
}

// One line of the old protocol: "OID NAME", "OID NAME^{}", "OID .have", "OID capabilities^{}", "shallow OID".
Result<> take_old_line(Collector& collector, Listing& listing, std::string_view line) {
  const std::string_view first = take_word(line);
  if (first == "shallow") {
    TRY(parse_wire_oid(line, listing.format));
    listing.shallow = true;
    return {};
  }
  const Oid oid = TRY(parse_wire_oid(first, listing.format));
  if (line == ".have") return collector.extra_have(oid);
  if (line == "capabilities^{}" && oid.is_zero() && collector.empty()) return {};
  if (line.ends_with(kPeeledSuffix)) return collector.peeled(line.substr(0, line.size() - kPeeledSuffix.size()), oid);
  return collector.ref(TRY(parse_wire_name(line)), oid);
}

Result<> read_old_refs(PktReader& packets, PktLine line, Listing& listing, const ListingLimits& limits) {
  Collector collector(listing, limits);
  for (bool first = true; !line.is_flush(); first = false) {
    TRY(collector.count(line));
    std::string_view text = line.text();
    if (first) {
      // What the server can do stands behind the first ref; an old server without refs says nothing at all.
      const std::string_view ref = take_word(text, '\0');
      listing.capabilities = Capabilities::parse(text);
      listing.format = TRY(format_of(listing.capabilities));
      TRY(take_head_target(listing));
      text = ref;
    }
    TRY(take_old_line(collector, listing, text));
    line = TRY(next_line(packets));
  }
  return collector.finish();
}

Result<> read_version_2(PktReader& packets, Listing& listing) {
  std::size_t bytes = 0;
  for (std::size_t count = 0;; ++count) {
    const PktLine line = TRY(next_line(packets));
    if (line.is_flush()) break;
    bytes += line.payload.size();
    if (count == kCapabilitiesMax || bytes > kCapabilityBytesMax)
      return Error(ErrorKind::Corrupt, "the server lists capabilities without end");
    listing.capabilities.add(line.text());
  }
  listing.format = TRY(format_of(listing.capabilities));
  return {};
}

// "OID NAME [symref-target:NAME] [peeled:OID]" or "unborn HEAD symref-target:NAME"
Result<> take_ls_refs_line(Collector& collector, Listing& listing, std::string_view line) {
  constexpr std::string_view kSymref = "symref-target:";
  constexpr std::string_view kPeeled = "peeled:";
  const std::string_view id = take_word(line);
  const std::string_view name_text = take_word(line);
  std::optional<Oid> peeled;
  std::optional<std::string_view> target;
  while (!line.empty()) {
    const std::string_view attribute = take_word(line);
    if (attribute.starts_with(kSymref)) target = attribute.substr(kSymref.size());
    if (attribute.starts_with(kPeeled)) peeled = TRY(parse_wire_oid(attribute.substr(kPeeled.size()), listing.format));
  }
  if (name_text == "HEAD" && target) listing.head.target = TRY(parse_wire_name(*target));
  RefName name = TRY(parse_wire_name(name_text));
  if (id == "unborn" && name_text == "HEAD") return {};
  return collector.ref(std::move(name), TRY(parse_wire_oid(id, listing.format)), std::move(peeled));
}

}  // namespace

Capabilities Capabilities::parse(std::string_view text) {
  Capabilities all;
  while (!text.empty()) {
    const std::string_view word = take_word(text);
    if (!word.empty()) all.add(word);
  }
  return all;
}

void Capabilities::add(std::string_view word) {
  const std::string_view name = take_word(word, '=');
  words_.emplace(name, word);
}

bool Capabilities::has(std::string_view name) const { return words_.find(name) != words_.end(); }

std::optional<std::string_view> Capabilities::value(std::string_view name) const {
  const auto found = words_.lower_bound(name);
  if (found == words_.end() || found->first != name || found->second.empty()) return std::nullopt;
  return found->second;
}

std::vector<std::string_view> Capabilities::values(std::string_view name) const {
  std::vector<std::string_view> all;
  const auto [begin, end] = words_.equal_range(name);
  for (auto word = begin; word != end; ++word) all.emplace_back(word->second);
  return all;
}

bool Capabilities::value_has(std::string_view name, std::string_view word) const {
  std::string_view rest = value(name).value_or("");
  while (!rest.empty()) {
    if (take_word(rest) == word) return true;
  }
  return false;
}

std::vector<std::string> Capabilities::words() const {
  std::vector<std::string> all;
  for (const auto& [name, text] : words_) all.push_back(text.empty() ? name : name + "=" + text);
  return all;
}

Result<Advertisement> read_advertisement(Reader& greeting, Service service, const ListingLimits& limits) {
  PktReader packets(greeting);
  Advertisement said;
  PktLine line = TRY(next_line(packets));
  if (line.text() == "version 2" && service == Service::UploadPack) {
    said.protocol = 2;
    TRY(read_version_2(packets, said.listing));
  } else {
    if (line.text() == "version 1") {
      said.protocol = 1;
      line = TRY(next_line(packets));
    }
    TRY(read_old_refs(packets, line, said.listing, limits));
  }
  said.listing.protocol = said.protocol;
  said.capabilities = said.listing.capabilities;
  return said;
}

Result<> read_ls_refs(PktReader& packets, Listing& listing, const ListingLimits& limits) {
  Collector collector(listing, limits);
  while (true) {
    const PktLine line = TRY(next_line(packets));
    if (line.is_flush()) return collector.finish();
    TRY(collector.count(line));
    TRY(take_ls_refs_line(collector, listing, line.text()));
  }
}

}  // namespace packferry
