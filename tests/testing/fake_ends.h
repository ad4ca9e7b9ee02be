// A source and destinations in memory, stricter than real ones and failing on request. Objects are commits in one line
// of parents each; enough to tell a fast-forward from a rewind.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/destination.h"
#include "engine/source.h"
#include "testing/must.h"

namespace packferry::testing {

inline RefName ref_name(std::string_view text) { return must(RefName::parse(text)); }

// A commit named by a number: commit(3) is the same everywhere.
inline Oid commit(unsigned number) {
  return must(Oid::parse(fmt::format("{:012x}{:028x}", 0xC0000u + number, number)));
}

// {{"refs/heads/main", 3}, …}
inline RefMap refs_at(const std::map<std::string, unsigned>& tips) {
  std::vector<Ref> refs;
  for (const auto& [name, number] : tips) refs.push_back({ref_name(name), commit(number)});
  return must(RefMap::from(std::move(refs)));
}

inline std::vector<std::byte> some_pack(std::uint32_t objects, std::size_t payload_bytes) {
  std::vector<std::byte> pack = {std::byte{'P'}, std::byte{'A'}, std::byte{'C'}, std::byte{'K'},
                                 std::byte{0},   std::byte{0},   std::byte{0},   std::byte{2}};
  for (int shift = 24; shift >= 0; shift -= 8) pack.push_back(static_cast<std::byte>(objects >> shift & 0xFF));
  for (std::size_t i = 0; i < payload_bytes; ++i) pack.push_back(static_cast<std::byte>(i * 31 & 0xFF));
  const std::vector<std::byte> trailer = digest_of(DigestAlgorithm::Sha1, pack);
  pack.insert(pack.end(), trailer.begin(), trailer.end());
  return pack;
}

// A Reader that breaks after a number of bytes.
class BreakingReader final : public Reader {
 public:
  BreakingReader(std::vector<std::byte> bytes, std::size_t break_at)
      : inner_(std::vector<std::byte>(bytes.begin(),
                                      bytes.begin() + static_cast<std::ptrdiff_t>(std::min(break_at, bytes.size())))),
        breaks_(break_at < bytes.size()) {}
  Result<std::size_t> read(std::span<std::byte> into) override {
    const std::size_t count = TRY(inner_.read(into));
    if (count == 0 && breaks_) return Error(ErrorKind::Unavailable, "the connection was cut");
    return count;
  }

 private:
  MemoryReader inner_;
  const bool breaks_;
};

class FakeSource final : public Source {
 public:
  std::string name() const override { return "fake://source"; }

  Result<Listing> refs(const RefspecSet&, std::stop_token) override {
    ++listings;
    if (on_listing) on_listing();
    if (listing_error) return Error(*listing_error);
    Listing listing;
    listing.protocol = 2;
    listing.refs = holds;
    listing.head.target = ref_name(head);
    if (const Ref* tip = holds.find(ref_name(head))) listing.head.oid = tip->oid;
    return listing;
  }

  Result<std::unique_ptr<PackStream>> pack(FetchRequest request, RemoteMessages, std::stop_token) override {
    fetches.push_back(request);
    if (fetch_error) return Error(*std::exchange(fetch_error, std::nullopt));
    return PackStream::open(
               std::make_unique<BreakingReader>(some_pack(static_cast<std::uint32_t>(request.wants.size()), pack_bytes),
                                                std::exchange(break_at, std::string::npos)),
               ObjectFormat::Sha1)
        .context("fetch from {}", name());
  }

  // What is in `wants` and not in `haves`, by `parents`.
  Result<History> history(std::vector<Oid> wants, std::vector<Oid> haves, const SmallPack&, std::stop_token) override {
    histories.push_back(wants);
    if (history_error) return Error(*history_error);
    History::Links links;
    for (Oid at : wants) {
      const auto is_had = [&](const Oid& have) { return contains(have, at); };
      while (std::none_of(haves.begin(), haves.end(), is_had) && links.count(at) == 0) {
        std::vector<Oid>& parents_of_it = links[at];
        const auto parent = parents.find(at);
        if (parent == parents.end()) break;
        parents_of_it.push_back(parent->second);
        at = parent->second;
      }
    }
    return History(std::move(links));
  }

  Result<std::vector<AncestryAnswer>> ancestry(const std::vector<RefUpdate>& updates, AncestryDetail, const History&,
                                               std::stop_token) override {
    ++questions;
    std::vector<AncestryAnswer> answers;
    for (const RefUpdate& update : updates)
      answers.push_back({update.name, contains(update.new_oid, update.old_oid) ? Ancestry::FastForward
                                      : knows(update.old_oid)                  ? Ancestry::Rewind
                                                                               : Ancestry::Unknown});
    return answers;
  }

  Result<std::vector<Oid>> known(const std::vector<Oid>&, const std::vector<Oid>& candidates,
                                 std::stop_token) override {
    ++questions;
    if (cannot_say) return Error(ErrorKind::Unsupported, "this source cannot say what it has");
    std::vector<Oid> found;
    std::copy_if(candidates.begin(), candidates.end(), std::back_inserter(found),
                 [&](const Oid& oid) { return knows(oid); });
    return found;
  }

  // commit(n) descends from commit(parents[n]).
  bool contains(Oid tip, const Oid& wanted) const {
    while (true) {
      if (tip == wanted) return true;
      const auto parent = parents.find(tip);
      if (parent == parents.end()) return false;
      tip = parent->second;
    }
  }
  bool knows(const Oid& oid) const {
    return forgotten.count(oid) == 0 &&
           (parents.count(oid) > 0 ||
            std::any_of(holds.begin(), holds.end(), [&](const Ref& ref) { return contains(ref.oid, oid); }));
  }

  RefMap holds;
  std::string head = "refs/heads/main";
  std::map<Oid, Oid> parents;
  std::set<Oid> forgotten;
  std::size_t pack_bytes = 1000;
  std::size_t break_at = std::string::npos;  // once
  std::optional<Error> listing_error;
  std::optional<Error> fetch_error;  // once
  std::optional<Error> history_error;
  bool cannot_say = false;
  std::function<void()> on_listing;

  unsigned listings = 0;
  unsigned questions = 0;
  std::vector<std::vector<Oid>> histories;  // the wants of each
  std::vector<FetchRequest> fetches;
};

class FakeDestination final : public Destination {
 public:
  explicit FakeDestination(std::string name) : name_(std::move(name)) {}

  std::string name() const override { return name_; }
  const HostProfile& profile() const override { return host; }

  Result<std::optional<Listing>> refs(std::stop_token) override {
    if (listing_error) return Error(*listing_error);
    if (!exists) return std::optional<Listing>();
    Listing listing;
    for (const std::string& word : capabilities) listing.capabilities.add(word);
    listing.refs = holds.filtered([&](const Ref& ref) { return !hides || !ref.name.starts_with(*hides); });
    return std::optional(std::move(listing));
  }

  Result<> create(ObjectFormat, const Head&, std::stop_token) override {
    exists = true;
    return {};
  }

  Result<std::unique_ptr<PushWriter>> open(PushRequest request, RemoteMessages, std::stop_token) override {
    pushes.push_back(request);
    if (before_push) std::exchange(before_push, nullptr)();
    if (push_error) return Error(*std::exchange(push_error, std::nullopt));
    return std::unique_ptr<PushWriter>(std::make_unique<Push>(*this, std::move(request)));
  }

  Result<bool> set_head(const RefName& branch, std::stop_token) override {
    head = branch.text();
    return true;
  }

  HostProfile host;
  bool exists = true;
  RefMap holds;
  std::string head;
  std::vector<std::string> capabilities = {"report-status", "delete-refs", "ofs-delta", "atomic"};
  std::optional<std::string> hides;            // a namespace that is not listed
  std::map<std::string, std::string> refuses;  // name prefix: reason
  std::optional<std::size_t> break_after;      // pack bytes, then the connection is gone; once
  bool loses_report = false;                   // applies all, then the connection is gone; once
  bool lies = false;                           // says ok and does nothing
  std::optional<Error> listing_error;
  std::function<void()> before_push;  // once: another hand
  std::optional<Error> push_error;    // once

  std::vector<PushRequest> pushes;
  std::size_t abandoned = 0;

 private:
  class Push final : public PushWriter {
   public:
    Push(FakeDestination& host, PushRequest request) : host_(host), request_(std::move(request)) {}
    ~Push() override {
      if (!finished_) ++host_.abandoned;
    }

    Result<> write(std::span<const std::byte> bytes) override {
      if (host_.break_after && pack_.size() + bytes.size() > *host_.break_after) {
        host_.break_after.reset();
        finished_ = true;
        return Error(ErrorKind::Unavailable, "{}: broken pipe", host_.name_);
      }
      pack_.insert(pack_.end(), bytes.begin(), bytes.end());
      return {};
    }

    Result<> finish() override {
      finished_ = true;
      const bool wants_pack = std::any_of(request_.updates.begin(), request_.updates.end(),
                                          [](const RefUpdate& update) { return !update.is_delete(); });
      if (wants_pack != !pack_.empty()) return Error(ErrorKind::Rejected, "unpack failed: wrong kind of push");
      if (wants_pack && !is_whole()) return Error(ErrorKind::Rejected, "unpack failed: early EOF");
      bool any_refused = false;
      for (const RefUpdate& update : request_.updates) {
        report_.refs.push_back({update.name, true, ""});
        const Ref* now = host_.holds.find(update.name);
        if ((now != nullptr ? now->oid : Oid()) != update.old_oid) refuse("failed to update ref");
        for (const auto& [prefix, reason] : host_.refuses)
          if (update.name.starts_with(prefix)) refuse(reason);
        any_refused = any_refused || !report_.refs.back().ok;
      }
      if (request_.atomic && any_refused)
        for (RefReport& ref : report_.refs)
          if (ref.ok) ref = {ref.name, false, "atomic push failure"};
      if (!host_.lies) apply();
      if (std::exchange(host_.loses_report, false)) {
        in_doubt_ = true;
        return Error(ErrorKind::Unavailable, "{}: gone before the report", host_.name_);
      }
      return {};
    }

    const PushReport& report() const override { return report_; }
    bool is_in_doubt() const override { return in_doubt_; }

   private:
    void refuse(const std::string& reason) { report_.refs.back() = {report_.refs.back().name, false, reason}; }

    bool is_whole() const {
      if (pack_.size() < 32) return false;
      const std::span<const std::byte> all(pack_);
      const std::vector<std::byte> digest = digest_of(DigestAlgorithm::Sha1, all.first(all.size() - 20));
      return std::equal(digest.begin(), digest.end(), all.last(20).begin());
    }

    void apply() {
      std::map<RefName, Oid> now;
      for (const Ref& ref : host_.holds) now.emplace(ref.name, ref.oid);
      for (std::size_t i = 0; i < request_.updates.size(); ++i) {
        const RefUpdate& update = request_.updates[i];
        if (!report_.refs[i].ok) continue;
        now.erase(update.name);
        if (!update.is_delete()) now.emplace(update.name, update.new_oid);
      }
      std::vector<Ref> refs;
      for (const auto& [name, oid] : now) refs.push_back({name, oid});
      host_.holds = must(RefMap::from(std::move(refs)));
    }

    FakeDestination& host_;
    const PushRequest request_;
    std::vector<std::byte> pack_;
    PushReport report_;
    bool finished_ = false;
    bool in_doubt_ = false;
  };

  const std::string name_;
};

}  // namespace packferry::testing
