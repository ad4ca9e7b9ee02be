#include "engine/source.h"

namespace packferry {

Result<Listing> RemoteSource::refs(const RefspecSet& selection, std::stop_token stop) {
  return remote_->list(selection.prefixes(), stop);
}

Result<std::unique_ptr<PackStream>> RemoteSource::pack(FetchRequest request, RemoteMessages messages,
                                                       std::stop_token stop) {
  return remote_->fetch(std::move(request), std::move(messages), stop);
}

Result<std::vector<AncestryAnswer>> RemoteSource::ancestry(const std::vector<RefUpdate>& updates, AncestryDetail detail,
                                                           std::stop_token stop) {
  return ask_ancestry(*remote_, updates, detail, stop);
}

Result<std::uint64_t> RemoteSource::count_commits(std::vector<Oid> wants, std::vector<Oid> haves,
                                                  std::stop_token stop) {
  const std::unique_ptr<PackStream> commits = TRY(remote_->fetch(
      {.wants = std::move(wants), .haves = std::move(haves), .thin = false, .filter = "tree:0"}, nullptr, stop));
  return commits->object_count();
}

Result<std::vector<Oid>> RemoteSource::known(const std::vector<Oid>& tips, const std::vector<Oid>& candidates,
                                             std::stop_token stop) {
  return remote_->known(tips, candidates, stop);
}

}  // namespace packferry
