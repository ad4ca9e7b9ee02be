// Where refs and packs come from: a Remote, later a snapshot of a backup. It has no method that writes; that is what
// makes everything here one-way.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "git/history.h"
#include "git/refspec.h"
#include "remote/ancestry.h"
#include "remote/remote.h"

namespace packferry {

class Source {
 public:
  virtual ~Source() = default;
  virtual std::string name() const = 0;
  // One complete listing; `selection` may spare the source what nobody asked for.
  virtual Result<Listing> refs(const RefspecSet& selection, std::stop_token stop) = 0;
  // Errors begin with "fetch from NAME".
  virtual Result<std::unique_ptr<PackStream>> pack(FetchRequest request, RemoteMessages messages,
                                                   std::stop_token stop) = 0;
  // The commits and tags in `wants` that are not in `haves`: a small question, since neither trees nor files are looked
  // at. Unsupported when it cannot say, Exhausted when they are more than `bounds` allows.
  virtual Result<History> history(std::vector<Oid> wants, std::vector<Oid> haves, const SmallPack& bounds,
                                  std::stop_token stop) = 0;
  // What `known` shows is not asked.
  virtual Result<std::vector<AncestryAnswer>> ancestry(const std::vector<RefUpdate>& updates, AncestryDetail detail,
                                                       const History& known, std::stop_token stop) = 0;
  // Which of `candidates` it has; Unsupported when it cannot say. `tips` are among what it listed.
  virtual Result<std::vector<Oid>> known(const std::vector<Oid>& tips, const std::vector<Oid>& candidates,
                                         std::stop_token stop) = 0;
};

// A source around a source: all of it is the other's, but for what somebody makes their own.
class SourceAround : public Source {
 public:
  // `inner` outlives it.
  explicit SourceAround(Source& inner) : inner_(inner) {}
  std::string name() const override { return inner_.name(); }
  Result<Listing> refs(const RefspecSet& selection, std::stop_token stop) override {
    return inner_.refs(selection, std::move(stop));
  }
  Result<std::unique_ptr<PackStream>> pack(FetchRequest request, RemoteMessages messages,
                                           std::stop_token stop) override {
    return inner_.pack(std::move(request), std::move(messages), std::move(stop));
  }
  Result<History> history(std::vector<Oid> wants, std::vector<Oid> haves, const SmallPack& bounds,
                          std::stop_token stop) override {
    return inner_.history(std::move(wants), std::move(haves), bounds, std::move(stop));
  }
  Result<std::vector<AncestryAnswer>> ancestry(const std::vector<RefUpdate>& updates, AncestryDetail detail,
                                               const History& known, std::stop_token stop) override {
    return inner_.ancestry(updates, detail, known, std::move(stop));
  }
  Result<std::vector<Oid>> known(const std::vector<Oid>& tips, const std::vector<Oid>& candidates,
                                 std::stop_token stop) override {
    return inner_.known(tips, candidates, std::move(stop));
  }

 private:
  Source& inner_;
};

// A source whose server may not say which branch HEAD names (old ones, and CodeCommit), and somebody who may know.
class HeadedSource final : public SourceAround {
 public:
  // "main"; empty when there is none. Its failure is no failure of the source: then HEAD stays unknown.
  using AskBranch = std::function<Result<std::string>(std::stop_token)>;

  HeadedSource(std::unique_ptr<Source> source, AskBranch ask)
      : SourceAround(*source), source_(std::move(source)), ask_(std::move(ask)) {}
  Result<Listing> refs(const RefspecSet& selection, std::stop_token stop) override;

 private:
  const std::unique_ptr<Source> source_;
  const AskBranch ask_;
};

class RemoteSource final : public Source {
 public:
  explicit RemoteSource(std::unique_ptr<Remote> remote) : remote_(std::move(remote)) {}
  std::string name() const override { return remote_->name(); }
  Result<Listing> refs(const RefspecSet& selection, std::stop_token stop) override;
  Result<std::unique_ptr<PackStream>> pack(FetchRequest request, RemoteMessages messages,
                                           std::stop_token stop) override;
  Result<History> history(std::vector<Oid> wants, std::vector<Oid> haves, const SmallPack& bounds,
                          std::stop_token stop) override;
  Result<std::vector<AncestryAnswer>> ancestry(const std::vector<RefUpdate>& updates, AncestryDetail detail,
                                               const History& known, std::stop_token stop) override;
  Result<std::vector<Oid>> known(const std::vector<Oid>& tips, const std::vector<Oid>& candidates,
                                 std::stop_token stop) override;

 private:
  const std::unique_ptr<Remote> remote_;
};

}  // namespace packferry
