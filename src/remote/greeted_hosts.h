// Which hosts can be asked for refs without being greeted first, and what they said when they were. Over HTTP a
// greeting is a request of its own, made for each repository; but with protocol 2 all it tells is what the server can
// do, and that is as a rule the same for all repositories of a host. So the first of them is greeted, and the others
// are asked at once.
//
// What is recalled is a guess, and good for one question only: whose answer is not as it should be is greeted after
// all.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "remote/advertisement.h"

namespace packferry {

// Safe from several threads.
class GreetedHosts {
 public:
  // Null: greet it. `origin`: see Transport::origin(); of an empty one nothing is ever known.
  std::shared_ptr<const Advertisement> recall(const std::string& origin) const;
  // What it said for one of its repositories. The last word counts, and only when it is protocol 2.
  void greeted(const std::string& origin, const Advertisement& said);
  // A question without a greeting was answered as it should.
  void answered(const std::string& origin);
  // It was not, and with a greeting it was. A host that does so again and again is always greeted from then on: where
  // its repositories differ a question in vain for each of them would cost more than it spares.
  void balked(const std::string& origin);

 private:
  static constexpr unsigned kBalksMax = 4;  // without an answer between them

  struct Host {
    std::shared_ptr<const Advertisement> said;
    unsigned balks = 0;
  };

  mutable std::mutex mutex_;
  std::map<std::string, Host> hosts_;
};

}  // namespace packferry
