// What a role can and cannot do, found out by doing it: not from policies, which are many and interact, but from the
// answers. A store gets one small object, doctor/TIME, which stays there when all is as it should be; repositories are
// only listed.
#pragma once

#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "engine/destination.h"
#include "engine/source.h"
#include "store/object_store.h"

namespace packferry {

enum class Verdict {
  Ok,       // as it should be
  Cannot,   // what is needed does not work
  Finding,  // it works, and should not, or is not as it should be
};
std::string_view to_string(Verdict verdict);  // "ok", "cannot", "finding": part of the JSON report

struct Observation {
  Verdict verdict = Verdict::Ok;
  std::string what;         // "adds an object"
  std::string advice = {};  // what was answered, or what a person can do
};

struct Examination {
  std::string side;                                             // "store", "source", "destination"
  std::string name;                                             // "s3://bucket/prefix"
  std::vector<std::pair<std::string, std::string>> facts = {};  // "region": "eu-central-1"
  std::vector<Observation> observations = {};

  bool is_healthy() const;
};

// What a writer of backups should be: one that adds, reads back, and can take nothing away.
struct StoreExpectations {
  bool may_read = true;     // false: for `backup --put-only`
  bool may_delete = false;  // true: for whoever prunes
};
Examination examine_store(ObjectStore& store, StoreExpectations expected, const Clock& clock, std::stop_token stop);

Examination examine_source(Source& source, std::stop_token stop);
// Whether the host lets us begin a push. Nothing is pushed.
Examination examine_destination(Destination& destination, std::stop_token stop);

}  // namespace packferry
