#include "engine/chain_link.h"

#include <algorithm>

#include "backup/zip_writer.h"
#include "git/bundle.h"

namespace packferry {
namespace {

class LinkReader final : public Reader {
 public:
  LinkReader(std::unique_ptr<Reader> from, const DataObject& link)
      : from_(std::move(from)), bytes_(link.bytes), sha256_(link.sha256), digest_(DigestAlgorithm::Sha256) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    if (checked_) return std::size_t{0};
    const std::size_t count = TRY(from_->read(into));
    read_ += count;
    if (read_ > bytes_) return Error(ErrorKind::Corrupt, "it has more than {} bytes", bytes_);
    if (count == 0 && read_ < bytes_) return Error(ErrorKind::Corrupt, "it has {} bytes instead of {}", read_, bytes_);
    digest_.update(into.first(count));
    if (read_ == bytes_) TRY(check());
    return count;
  }

 private:
  Result<> check() {
    std::byte more[1];
    if (TRY(from_->read(more)) != 0) return Error(ErrorKind::Corrupt, "it has more than {} bytes", bytes_);
    if (to_hex(digest_.finish()) != sha256_)
      return Error(ErrorKind::Corrupt, "it is not what was written there: its SHA-256 is another one");
    checked_ = true;
    return {};
  }

  const std::unique_ptr<Reader> from_;
  const std::uint64_t bytes_;
  const std::string sha256_;
  Digest digest_;
  std::uint64_t read_ = 0;
  bool checked_ = false;
};

// For those who want to own what they read.
class Borrowed final : public Reader {
 public:
  explicit Borrowed(Reader& from) : from_(from) {}
  Result<std::size_t> read(std::span<std::byte> into) override { return from_.read(into); }

 private:
  Reader& from_;
};

Result<std::uint64_t> drain(Reader& from) {
  std::vector<std::byte> block(kBlockBytes);
  std::uint64_t bytes = 0;
  while (const std::size_t count = TRY(from.read(block))) bytes += count;
  return bytes;
}

Result<std::unique_ptr<Reader>> open_checked(ObjectStore& store, const DataObject& link, std::stop_token stop) {
  return std::unique_ptr<Reader>(std::make_unique<LinkReader>(TRY(store.open(link.key, 0, stop)), link));
}

Result<std::unique_ptr<Reader>> decrypted(Reader& from, const DataObject& link,
                                          const std::vector<AgeIdentity>& identities) {
  auto borrowed = std::make_unique<Borrowed>(from);
  if (!link.encrypted) return std::unique_ptr<Reader>(std::move(borrowed));
  if (identities.empty()) return Error(ErrorKind::Denied, "it is encrypted; give the identity that opens it");
  return open_age_reader(identities, std::move(borrowed));
}

Result<> check_header(const BundleHeader& header, const DataObject& link, const LinkPlace& place,
                      std::stop_token stop) {
  if (header.format != place.format)
    return Error(ErrorKind::Corrupt, "its objects are {}, those of the snapshot {}", to_string(header.format),
                 to_string(place.format));
  if (link.full && !header.prerequisites.empty())
    return Error(ErrorKind::Corrupt, "it is said to be full, and builds on {} commits", header.prerequisites.size());
  if (place.refs != nullptr && header.refs != *place.refs)
    return Error(ErrorKind::Corrupt, "its refs are not those of snapshot {}", link.snapshot);
  const std::vector<Oid> missing = TRY(place.repository.missing(header.prerequisites, stop));
  if (!missing.empty())
    return Error(ErrorKind::Corrupt, "it builds on {}, which is not in the links before it", missing.front().hex());
  return {};
}

Result<> add(ObjectStore& store, const DataObject& link, const LinkPlace& place,
             const std::vector<AgeIdentity>& identities, const PumpProgress& progress, std::stop_token stop) {
  const std::unique_ptr<Reader> stored = TRY(open_checked(store, link, stop));
  std::unique_ptr<Reader> pack = TRY(decrypted(*stored, link, identities));
  if (link.format == BackupFormat::Zip) {
    pack = TRY(open_pack_in_zip(std::move(pack)));
  } else {
    const BundleHeader header = TRY(read_bundle_header(*pack));
    TRY(check_header(header, link, place, stop));
  }
  TRY(place.repository.add_pack(*pack, progress, stop));
  // What stands behind the pack, in a zip.
  TRY(drain(*stored));
  return {};
}

}  // namespace

Result<std::unique_ptr<Reader>> open_link(ObjectStore& store, const DataObject& link, std::stop_token stop) {
  return open_checked(store, link, stop).context("{}", link.key);
}

Result<std::uint64_t> check_link(ObjectStore& store, const DataObject& link, std::stop_token stop) {
  const std::unique_ptr<Reader> stored = TRY(open_link(store, link, stop));
  return drain(*stored).context("{}", link.key);
}

Result<> add_link(ObjectStore& store, const DataObject& link, const LinkPlace& place,
                  const std::vector<AgeIdentity>& identities, const PumpProgress& progress, std::stop_token stop) {
  return add(store, link, place, identities, progress, stop).context("{}", link.key);
}

Result<> copy_link(ObjectStore& store, const DataObject& link, const std::vector<AgeIdentity>& identities, Writer& to,
                   std::stop_token stop) {
  const std::unique_ptr<Reader> stored = TRY(open_link(store, link, stop));
  const std::unique_ptr<Reader> plain = TRY(decrypted(*stored, link, identities).context("{}", link.key));
  TRY(pump(*plain, to).context("{}", link.key));
  TRY(drain(*stored).context("{}", link.key));
  return to.finish();
}

}  // namespace packferry
