// Whatever a host reports, each ref of the request has one answer: ok without a reason, or not ok with what was said;
// and a ref of which nothing was said is not ok.
#include <algorithm>

#include "base/printable.h"
#include "fuzz.h"
#include "remote/push.h"
#include "streams.h"

namespace {

using namespace packferry;

PushReport asked() {
  PushReport report;
  for (const char* name : {"refs/heads/a", "refs/heads/b", "refs/tags/v1"}) {
    Result<RefName> parsed = RefName::parse(name);
    CHECK(parsed.has_value());
    report.refs.push_back({std::move(parsed).value(), false, "not reported"});
  }
  return report;
}

std::optional<ErrorKind> read(std::string_view bytes, std::size_t piece_bytes, PushReport& report) {
  fuzz::PieceReader reader(bytes, piece_bytes);
  PktReader packets(reader);
  const Result<> read = read_report(packets, report);
  return read ? std::nullopt : std::optional(read.error().kind());
}

}  // namespace

FUZZ(input) {
  const std::size_t piece_bytes = input.block_bytes();
  const std::string_view bytes = input.rest();
  PushReport report = asked();
  PushReport at_once = asked();
  CHECK(read(bytes, piece_bytes, report) == read(bytes, bytes.size() + 1, at_once));
  CHECK(report.unpack_error == printable(report.unpack_error));
  CHECK(report.refs.size() == asked().refs.size());
  for (std::size_t i = 0; i < report.refs.size(); ++i) {
    const RefReport& ref = report.refs[i];
    CHECK(ref.name == asked().refs[i].name);
    CHECK(ref.ok == at_once.refs[i].ok && ref.reason == at_once.refs[i].reason);
    CHECK(ref.ok ? ref.reason.empty() : ref.reason == printable(ref.reason));
    CHECK(!ref.ok || bytes.find("ok " + ref.name.text()) != std::string_view::npos);
  }
}
