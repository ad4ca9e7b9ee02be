#include "remote/push.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "base/printable.h"

namespace packferry {
namespace {

constexpr std::string_view kNotReported = "the host did not report on it";
constexpr std::string_view kNoDeletions = "the host takes no deletions";

// What a host may add to a report that we do not know.
constexpr std::size_t kAfterReportBytesMax = 64 * 1024;

// A report has one line for each ref, and with report-status-v2 a few options; more than this is no report.
std::size_t report_lines_max(std::size_t refs) { return 16 * refs + 64; }

bool has_side_band(const Listing& server) {
  return server.capabilities.has("side-band-64k") || server.capabilities.has("side-band");
}

// After these we cannot know whether the refs moved: the answer did not come, or made no sense.
bool leaves_doubt(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Unavailable:
    case ErrorKind::Corrupt:
    case ErrorKind::Exhausted:
    case ErrorKind::Cancelled:
      return true;
    default:
      return false;
  }
}

// A push in progress.
class Push final : public PushWriter {
 public:
  Push(std::shared_ptr<Session> session, bool has_commands, bool has_pack, PushReport report, RemoteMessages messages)
      : session_(std::move(session)),
        has_commands_(has_commands),
        has_pack_(has_pack),
        report_(std::move(report)),
        messages_(std::move(messages)) {}

  Result<> open(const PktBuffer& commands) {
    if (!has_commands_) return {};
    exchange_ = TRY(session_->connection->exchange());
    // Commands without a pack take effect as soon as they are complete: they wait for finish().
    held_.assign(commands.bytes().begin(), commands.bytes().end());
    if (!has_pack_) return {};
    Result<> sent = exchange_->write(held_);
    held_.clear();
    return sent ? std::move(sent) : refused(std::move(sent).error());
  }

  // Holds the trailer back, which would complete the push.
  Result<> write(std::span<const std::byte> bytes) override {
    CHECK(has_pack_);
    if (!has_commands_) return {};
    const std::size_t trailer_bytes = oid_bytes(session_->listing().format);
    const std::size_t ready = held_.size() + bytes.size() - std::min(held_.size() + bytes.size(), trailer_bytes);
    const std::size_t from_held = std::min(ready, held_.size());
    const auto from_bytes = bytes.first(ready - from_held);
    Result<> sent;
    if (from_held > 0) sent = exchange_->write(std::span(held_).first(from_held));
    if (sent && !from_bytes.empty()) sent = exchange_->write(from_bytes);
    if (!sent) return refused(std::move(sent).error());
    held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(from_held));
    held_.insert(held_.end(), bytes.begin() + static_cast<std::ptrdiff_t>(from_bytes.size()), bytes.end());
    return {};
  }

  Result<> finish() override {
    if (!has_commands_) return {};
    // From here on the other side may have everything, and move its refs.
    std::optional<Error> broken;
    if (Result<> sent = send_rest(); !sent) broken = std::move(sent).error();
    Result<> answer = broken && broken->kind() != ErrorKind::Unavailable ? Result<>(*broken) : read_answer();
    if (answer) {
      exchange_->end_response();
      return verdict();
    }
    in_doubt_ = leaves_doubt(answer.error().kind());
    return explain(*session_, std::move(answer).error(), broken);
  }

  const PushReport& report() const override { return report_; }
  bool is_in_doubt() const override { return in_doubt_; }

 private:
  Result<> send_rest() {
    if (!held_.empty()) TRY(exchange_->write(held_));
    return exchange_->end_request();
  }

  Result<> read_answer() {
    PktReader packets(*exchange_);
    const PktLine first = TRY(packets.peek());
    if (first.is_data() && first.text().starts_with("ERR ")) return remote_error(first.text().substr(4));
    if (!has_side_band(session_->listing())) return read_report(packets, report_);
    SidebandReader band(packets, messages_);
    PktReader inner(band);
    TRY(read_report(inner, report_));
    // The report has a flush of its own; the band goes on to the other side's.
    TRY(read_all(band, kAfterReportBytesMax));
    return {};
  }

  Result<> verdict() const {
    if (report_.unpack_error.empty()) return {};
    return Error(ErrorKind::Rejected, "the host did not take the pack: '{}'", report_.unpack_error);
  }

  // The host stopped reading before it had everything, so nothing moved. Its own words say why, if it had any.
  Error refused(Error broken) {
    if (broken.kind() != ErrorKind::Unavailable) return broken;
    Result<> answer = read_answer();
    if (answer) answer = verdict();
    if (!answer) return explain(*session_, std::move(answer).error(), std::move(broken));
    for (const RefReport& ref : report_.refs) {
      if (!ref.ok && ref.reason != kNotReported && ref.reason != kNoDeletions)
        return Error(ErrorKind::Rejected, "the host refused '{}': '{}'", ref.name.text(), ref.reason);
    }
    return Error(ErrorKind::Rejected, "the host ended the push before it had the whole pack");
  }

  const std::shared_ptr<Session> session_;
  const bool has_commands_;  // false: all of them are refused already
  const bool has_pack_;      // the caller has one to write
  PushReport report_;
  const RemoteMessages messages_;
  std::unique_ptr<Exchange> exchange_;
  std::vector<std::byte> held_;
  bool in_doubt_ = false;
};

Result<> check_offers(const Listing& server, const PushRequest& request) {
  if (!server.capabilities.has("report-status-v2") && !server.capabilities.has("report-status"))
    return Error(ErrorKind::Unsupported, "the host does not report what becomes of a push (no report-status)");
  if (request.atomic && !server.capabilities.has("atomic"))
    return Error(ErrorKind::Unsupported, "the host offers no atomic push");
  for (const RefUpdate& update : request.updates) {
    if (update.new_oid.format() != server.format || update.old_oid.format() != server.format)
      return Error(ErrorKind::Unsupported, "the host's repository is in {}, '{}' is not", to_string(server.format),
                   update.name.text());
  }
  return {};
}

}  // namespace

PktBuffer push_commands(const Listing& server, const std::vector<RefUpdate>& updates, bool atomic,
                        bool wants_progress) {
  const Capabilities& offered = server.capabilities;
  std::string asked = offered.has("report-status-v2") ? " report-status-v2" : " report-status";
  if (has_side_band(server)) asked += offered.has("side-band-64k") ? " side-band-64k" : " side-band";
  if (!wants_progress && offered.has("quiet")) asked += " quiet";
  if (atomic) asked += " atomic";
  if (offered.has("object-format")) asked += fmt::format(" object-format={}", to_string(server.format));
  if (offered.has("agent")) asked += fmt::format(" agent={}", agent());

  PktBuffer out;
  for (const RefUpdate& update : updates) {
    std::string line = fmt::format("{} {} {}", update.old_oid.hex(), update.new_oid.hex(), update.name.text());
    if (out.empty()) {
      line += '\0';
      line += asked;
    }
    out.line(line);
  }
  out.flush();
  return out;
}

Result<std::unique_ptr<PushWriter>> start_push(std::shared_ptr<Session> session, PushRequest request,
                                               RemoteMessages messages) {
  CHECK(!request.updates.empty());
  const Listing& server = session->listing();
  TRY(check_offers(server, request));

  PushReport report;
  std::vector<RefUpdate> sent;
  bool has_pack = false;
  const bool takes_deletions = server.capabilities.has("delete-refs");
  for (RefUpdate& update : request.updates) {
    const bool refused = update.is_delete() && !takes_deletions;
    report.refs.push_back({update.name, false, std::string(refused ? kNoDeletions : kNotReported)});
    has_pack = has_pack || !update.is_delete();
    if (!refused) sent.push_back(std::move(update));
  }
  // All or nothing is asked for, and all cannot be.
  if (request.atomic && sent.size() < report.refs.size()) {
    for (RefReport& ref : report.refs) ref.reason = kNoDeletions;
    sent.clear();
  }

  const PktBuffer commands = push_commands(server, sent, request.atomic, messages != nullptr);
  auto push =
      std::make_unique<Push>(std::move(session), !sent.empty(), has_pack, std::move(report), std::move(messages));
  TRY(push->open(commands));
  return push;
}

Result<> read_report(PktReader& packets, PushReport& report) {
  std::unordered_map<std::string_view, RefReport*> by_name;
  for (RefReport& ref : report.refs) by_name.emplace(ref.name.text(), &ref);

  const PktLine head = TRY(packets.next());
  if (!head.is_data() || !head.text().starts_with("unpack ")) return unexpected(head, "the report of the push");
  const std::string_view unpacked = head.text().substr(7);
  if (unpacked != "ok") report.unpack_error = printable(unpacked, 300);

  for (std::size_t lines = 0; lines < report_lines_max(report.refs.size()); ++lines) {
    const PktLine line = TRY(packets.next());
    if (line.is_flush()) return {};
    const std::string_view text = line.text();
    const bool ok = text.starts_with("ok ");
    const bool failed = text.starts_with("ng ");
    if (line.is_data() && text.starts_with("option ")) continue;
    if (!line.is_data() || (!ok && !failed)) return unexpected(line, "the report on a ref");
    const std::string_view name = text.substr(3, text.find(' ', 3) - 3);
    const auto found = by_name.find(name);
    if (found == by_name.end()) continue;
    RefReport& ref = *found->second;
    // Its name stays where it is: by_name looks at it.
    if (ok && ref.reason == kNotReported) {
      ref.ok = true;
      ref.reason.clear();
    }
    if (failed) {
      ref.ok = false;
      ref.reason = printable(text.substr(std::min(text.size(), 3 + name.size() + 1)), 300);
    }
  }
  return Error(ErrorKind::Corrupt, "the report of the push has no end");
}

}  // namespace packferry
