// What AWS CodeCommit takes for a password in HTTP Basic authentication: a signature over host and repository, made
// with an access key, good for about 15 minutes. As `aws codecommit credential-helper` and git-remote-codecommit make
// it.
#pragma once

#include "aws/aws_credentials.h"
#include "base/clock.h"
#include "net/credentials.h"
#include "net/url.h"

namespace packferry {

// `git` is the https URL of the repository. The user name is the key's id and holds the session token where there is
// one, so it is no less secret than the password.
Credentials codecommit_password(const AwsCredentials& credentials, std::string_view region, const Url& git,
                                Clock::WallTime now);

// When a password that was made `now` is not to be used any more, by our clock.
Clock::WallTime codecommit_password_expiry(Clock::WallTime now);

}  // namespace packferry
