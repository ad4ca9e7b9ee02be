#include "aws/codecommit_credentials.h"

#include "aws/codecommit_password.h"

namespace packferry {

Result<std::optional<Credentials>> CodeCommitCredentials::for_request(const Url& url, std::optional<Credentials> held,
                                                                      std::stop_token stop) {
  if (!url.same_origin(address_.git)) return held;
  return std::optional(TRY(make(std::move(stop))));
}

Result<Credentials> CodeCommitCredentials::ask(const Url& url, std::stop_token stop) {
  if (!url.same_origin(address_.git))
    return Error(ErrorKind::NotFound, "{}: wants credentials, and ours are for {}", url.origin(),
                 address_.git.origin());
  return make(std::move(stop));
}

bool CodeCommitCredentials::may_have_run_out(const Url& url, const Credentials&) {
  if (!url.same_origin(address_.git)) return false;
  std::optional<AwsCredentials> used;
  {
    const std::lock_guard lock(mutex_);
    used.swap(used_);
  }
  if (used) aws_.expired(*used);
  return true;
}

Result<Credentials> CodeCommitCredentials::make(std::stop_token stop) {
  AwsCredentials credentials = TRY(aws_.get(std::move(stop)).context("password for {}", address_.git.text()));
  Credentials made = codecommit_password(credentials, address_.region, address_.git, clock_.now());
  const std::lock_guard lock(mutex_);
  used_ = std::move(credentials);
  return made;
}

}  // namespace packferry
