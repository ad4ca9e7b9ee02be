#include "engine/source.h"

namespace packferry {

Result<Listing> RemoteSource::refs(const RefspecSet& selection, std::stop_token stop) {
  return remote_->list(selection.prefixes(), stop);
}

Result<std::unique_ptr<PackStream>> RemoteSource::pack(FetchRequest request, RemoteMessages messages,
                                                       std::stop_token stop) {
  return remote_->fetch(std::move(request), std::move(messages), stop);
}

Result<Listing> HeadedSource::refs(const RefspecSet& selection, std::stop_token stop) {
  Listing listing = TRY(source_->refs(selection, stop));
  if (listing.head.target || (listing.refs.empty() && !listing.head.oid)) return listing;
  const Result<std::string> branch = ask_(stop);
  if (!branch || branch->empty()) return listing;
  Result<RefName> name = RefName::parse("refs/heads/" + *branch);
  if (!name) return listing;
  const Ref* there = listing.refs.find(*name);
  // What HEAD was seen to be goes before what is said of it.
  if (there != nullptr && listing.head.oid && *listing.head.oid != there->oid) return listing;
  if (there != nullptr) listing.head.oid = there->oid;
  listing.head.target = std::move(name).value();
  return listing;
}

Result<History> RemoteSource::history(std::vector<Oid> wants, std::vector<Oid> haves, const SmallPack& bounds,
                                      std::stop_token stop) {
  CHECK(!wants.empty());
  const ObjectFormat format = wants.front().format();
  const std::unique_ptr<PackStream> pack = TRY(remote_->fetch(
      {.wants = std::move(wants), .haves = std::move(haves), .thin = false, .filter = "tree:0"}, nullptr, stop));
  return History::of(TRY(read_pack(*pack, format, bounds)), format);
}

Result<std::vector<AncestryAnswer>> RemoteSource::ancestry(const std::vector<RefUpdate>& updates, AncestryDetail detail,
                                                           const History& known, std::stop_token stop) {
  return ask_ancestry(*remote_, updates, detail, known, stop);
}

Result<std::vector<Oid>> RemoteSource::known(const std::vector<Oid>& tips, const std::vector<Oid>& candidates,
                                             std::stop_token stop) {
  return remote_->known(tips, candidates, stop);
}

}  // namespace packferry
