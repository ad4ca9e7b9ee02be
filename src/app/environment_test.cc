#include "app/environment.h"

#include <gmock/gmock.h>

namespace packferry {
namespace {

using ::testing::ElementsAre;

TEST(Environment, ReadsCredentialsForBothSidesAndForEach) {
  const Environment environment({"PACKFERRY_USERNAME=ann", "PACKFERRY_PASSWORD=a=b", "PACKFERRY_TOKEN_SOURCE=reads",
                                 "PACKFERRY_TOKEN_DESTINATION=writes"});
  EXPECT_EQ(environment.for_both.username, "ann");
  EXPECT_EQ(environment.for_both.password.reveal(), "a=b");
  EXPECT_EQ(environment.for_source.token.reveal(), "reads");
  EXPECT_EQ(environment.for_destination.token.reveal(), "writes");
  EXPECT_TRUE(environment.for_both.is_set());
  EXPECT_FALSE(Environment({"PACKFERRY_USERNAME=ann"}).for_both.is_set());
}

TEST(Environment, GivesChildrenNoSecretsAndNoOtherRepository) {
  const Environment environment({"PATH=/bin", "PACKFERRY_TOKEN=canary", "GIT_DIR=/other", "GIT_QUARANTINE_PATH=/q",
                                 "GIT_TRACE_PACKET=1", "GIT_CONFIG_COUNT=0", "SSH_AUTH_SOCK=/s", "malformed"});
  EXPECT_THAT(environment.for_children, ElementsAre("PATH=/bin", "GIT_CONFIG_COUNT=0", "SSH_AUTH_SOCK=/s"));
}

TEST(Environment, RemembersReplicasWhereStateBelongs) {
  EXPECT_EQ(Environment({"HOME=/home/ada"}).catalogue, "/home/ada/.local/state/packferry/replicas.db");
  EXPECT_EQ(Environment({"HOME=/home/ada", "XDG_STATE_HOME=/state"}).catalogue, "/state/packferry/replicas.db");
  EXPECT_EQ(Environment({"HOME=/home/ada", "XDG_STATE_HOME=state"}).catalogue,
            "/home/ada/.local/state/packferry/replicas.db");
  EXPECT_EQ(Environment({"HOME=/home/ada", "PACKFERRY_CATALOGUE=/c.db"}).catalogue, "/c.db");
}

TEST(Environment, TakesWhatGitUsersHaveSet) {
  const Environment environment(
      {"GIT_SSH_COMMAND=ssh -v", "GIT_SSH=plink", "SSL_CERT_FILE=/a.pem", "NO_COLOR=", "TERM=dumb"});
  EXPECT_EQ(environment.ssh_command, "ssh -v");
  EXPECT_EQ(environment.ssh_program, "plink");
  EXPECT_EQ(environment.ca_file, "/a.pem");
  EXPECT_FALSE(environment.no_color);  // https://no-color.org: when present and not empty
  EXPECT_EQ(environment.terminal, "dumb");
  EXPECT_EQ(Environment({"SSL_CERT_FILE=/a.pem", "GIT_SSL_CAINFO=/b.pem"}).ca_file, "/b.pem");
  EXPECT_TRUE(Environment({"NO_COLOR=1"}).no_color);
}

}  // namespace
}  // namespace packferry
