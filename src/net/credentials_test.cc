#include "net/credentials.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "testing/git_sandbox.h"
#include "testing/must.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using testing::GitSandbox;
using ::testing::HasSubstr;
using testing::must;
using ::testing::Not;
using testing::TempDir;

Url url(const char* text) { return must(Url::parse(text)); }

TEST(Credentials, MakeAnAuthorizationHeader) {
  // RFC 7617, sections 2 and 2.1; RFC 4648, section 10
  EXPECT_EQ((Credentials{"Aladdin", Secret("open sesame")}).authorization().reveal(),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ((Credentials{"test", Secret("123\xC2\xA3")}).authorization().reveal(), "Basic dGVzdDoxMjPCow==");
  EXPECT_EQ((Credentials{"f", Secret("o")}).authorization().reveal(), "Basic Zjpv");
  EXPECT_EQ((Credentials{"", Secret("\xff\xfe\xfd")}).authorization().reveal(), "Basic Ov/+/Q==");
  EXPECT_EQ((Credentials{"", Secret("abc"), true}).authorization().reveal(), "Bearer abc");
}

TEST(FixedCredentials, AreForOneOriginOnly) {
  FixedCredentials source(url("https://host/x"), {"ada", Secret("hunter2")});
  EXPECT_EQ(source.up_front(url("https://HOST:443/y"))->username, "ada");
  EXPECT_EQ(must(source.ask(url("https://host/y"), {})).password.reveal(), "hunter2");
  for (const char* other :
       {"http://host/x", "https://host:8443/x", "https://other/x", "https://host.other/x", "ssh://host/x"}) {
    EXPECT_EQ(source.up_front(url(other)), std::nullopt) << other;
    const Result<Credentials> asked = source.ask(url(other), {});
    EXPECT_FAILS(asked, ErrorKind::NotFound, "none are known");
    EXPECT_THAT(asked.error().message(), Not(HasSubstr("hunter2")));
  }
}

TEST(NoCredentials, SayThatThereAreNone) {
  NoCredentials source;
  EXPECT_EQ(source.up_front(url("https://host/x")), std::nullopt);
  EXPECT_FAILS(source.ask(url("https://host/x"), {}), ErrorKind::NotFound, "https://host");
}

class GitCredentialHelperTest : public ::testing::Test {
 protected:
  // A helper that writes down what it is asked and told, and answers what the test says.
  GitCredentialHelperTest() {
    write(sandbox_.path("helper"), "#!/bin/sh\necho \"$1:\" >>" + log_ + "\ncat >>" + log_ +
                                       "\n[ \"$1\" = get ] && cat " + sandbox_.path("answer").string() + "\nexit 0\n");
    std::filesystem::permissions(sandbox_.path("helper"), std::filesystem::perms::owner_all);
    answer("");
    configure("[credential]\n\thelper = " + sandbox_.path("helper").string() + "\n");
  }

  static void write(const std::filesystem::path& path, const std::string& text) { std::ofstream(path) << text; }
  void answer(const std::string& text) { write(sandbox_.path("answer"), text); }
  void configure(const std::string& text) { write(sandbox_.path(".gitconfig"), text); }

  std::string heard() const {
    std::ostringstream all;
    all << std::ifstream(log_).rdbuf();
    return all.str();
  }

  GitSandbox sandbox_;
  const std::string log_ = sandbox_.path("log").string();
  GitCredentialHelper helper_{sandbox_.environment(), false};
};

TEST_F(GitCredentialHelperTest, AsksTheUsersHelpers) {
  answer("username=ada\npassword=p=w :x\n");
  EXPECT_EQ(helper_.up_front(url("https://host/x")), std::nullopt);
  const Credentials credentials = must(helper_.ask(url("https://host:8443/app/web.git"), {}));
  EXPECT_EQ(credentials.username, "ada");
  EXPECT_EQ(credentials.password.reveal(), "p=w :x");
  EXPECT_EQ(heard(), "get:\nprotocol=https\nhost=host:8443\n");
}

TEST_F(GitCredentialHelperTest, NamesUserAndPathWhereTheyCount) {
  configure("[credential]\n\tuseHttpPath = true\n\thelper = " + sandbox_.path("helper").string() + "\n");
  answer("password=pw\n");
  EXPECT_EQ(must(helper_.ask(url("http://ada@[::1]:80/my%20app/web.git?x=1"), {})).username, "ada");
  EXPECT_EQ(heard(), "get:\nprotocol=http\nhost=[::1]\npath=my app/web.git\nusername=ada\n");
}

TEST_F(GitCredentialHelperTest, HasNoneWhenNobodyKnowsAndNeverPrompts) {
  EXPECT_FAILS(helper_.ask(url("https://host/x"), {}), ErrorKind::NotFound, "https://host: ");
  answer("username=ada\n");
  EXPECT_FAILS(helper_.ask(url("https://host/x"), {}), ErrorKind::NotFound, "https://host: ");
  answer("quit=1\n");
  EXPECT_FAILS(helper_.ask(url("https://host/x"), {}), ErrorKind::NotFound, "https://host: ");
}

TEST_F(GitCredentialHelperTest, AsksNoAskpassUnlessItMayPrompt) {
  write(sandbox_.path("askpass"), "#!/bin/sh\necho asked\n");
  std::filesystem::permissions(sandbox_.path("askpass"), std::filesystem::perms::owner_all);
  std::vector<std::string> environment = sandbox_.environment();
  environment.push_back("GIT_ASKPASS=" + sandbox_.path("askpass").string());
  environment.push_back("SSH_ASKPASS=" + sandbox_.path("askpass").string());
  configure("[core]\n\taskPass = " + sandbox_.path("askpass").string() + "\n");
  GitCredentialHelper quiet(environment, false);
  EXPECT_FAILS(quiet.ask(url("https://host/x"), {}), ErrorKind::NotFound, "have none");
  GitCredentialHelper talkative(environment, true);
  EXPECT_EQ(must(talkative.ask(url("https://host/x"), {})).password.reveal(), "asked");
}

TEST_F(GitCredentialHelperTest, TellsHelpersHowItWent) {
  const Credentials credentials{"ada", Secret("pw")};
  helper_.approved(url("https://host/x"), credentials);
  EXPECT_EQ(heard(), "store:\nprotocol=https\nhost=host\nusername=ada\npassword=pw\n");
  std::filesystem::remove(log_);
  helper_.rejected(url("https://host/x"), credentials);
  EXPECT_EQ(heard(), "erase:\nprotocol=https\nhost=host\nusername=ada\npassword=pw\n");
}

TEST_F(GitCredentialHelperTest, KeepsToItselfWhatHelpersCannotStore) {
  helper_.approved(url("https://host/x"), {"ada", Secret("pw\nhost=other")});
  helper_.approved(url("https://host/x"), {"ada\rx", Secret("pw")});
  helper_.rejected(url("https://host/x"), {"ada", Secret(std::string("p\0w", 3))});
  helper_.approved(url("https://host/x"), {"", Secret("token"), true});
  EXPECT_EQ(heard(), "");
}

TEST_F(GitCredentialHelperTest, SaysWhenThereIsNoGit) {
  GitCredentialHelper helper({"PATH=/nowhere"}, false);
  EXPECT_FAILS(helper.ask(url("https://host/x"), {}), ErrorKind::NotFound, "git");
  helper.approved(url("https://host/x"), {"ada", Secret("pw")});
}

TEST_F(GitCredentialHelperTest, StopsWhenAsked) {
  std::stop_source source;
  source.request_stop();
  EXPECT_FAILS(helper_.ask(url("https://host/x"), source.get_token()), ErrorKind::Cancelled, "https://host");
}

class CredentialsFileTest : public ::testing::Test {
 protected:
  std::string file(const std::string& text, unsigned mode = 0600) {
    const std::filesystem::path path = directory_ / "credentials";
    std::ofstream(path) << text;
    std::filesystem::permissions(path, std::filesystem::perms(mode));
    return path.string();
  }

  TempDir directory_;
};

TEST_F(CredentialsFileTest, HoldsAPasswordOrAToken) {
  const Credentials both = must(read_credentials_file(file("# mirror account\nusername=ada\r\n\npassword=p=w #1 \n")));
  EXPECT_EQ(both.username, "ada");
  EXPECT_EQ(both.password.reveal(), "p=w #1 ");
  const Credentials token = must(read_credentials_file(file("token=abc")));
  EXPECT_EQ(token.username, kTokenUser);
  EXPECT_EQ(token.password.reveal(), "abc");
  EXPECT_FALSE(token.bearer);
  EXPECT_EQ(must(read_credentials_file(file("token=abc\nusername=x-token-auth\n"))).username, "x-token-auth");
}

TEST_F(CredentialsFileTest, IsRefusedWithoutRepeatingIt) {
  const struct {
    std::string text;
    const char* part_of_message;
  } cases[] = {{"", "neither"},
               {"username=ada\n", "neither"},
               {"password=hunter2\n", "no username"},
               {"username=ada\npassword=hunter2\ntoken=hunter2\n", "both"},
               {"hunter2\n", "lines other than"},
               {"Password=hunter2\n", "lines other than"},
               {"token=hunter2\ntoken=hunter2\n", "lines other than"},
               {"token=" + std::string(70'000, 'x'), "longer than"}};
  for (const auto& c : cases) {
    const Result<Credentials> read = read_credentials_file(file(c.text));
    EXPECT_FAILS(read, ErrorKind::Invalid, c.part_of_message);
    ASSERT_FALSE(read.has_value());
    EXPECT_THAT(read.error().message(), Not(HasSubstr("hunter2")));
  }
}

TEST_F(CredentialsFileTest, BelongsToItsOwnerAlone) {
  for (const unsigned mode : {0644u, 0640u, 0604u})
    EXPECT_FAILS(read_credentials_file(file("token=abc", mode)), ErrorKind::Invalid, "chmod 600");
  EXPECT_EQ(must(read_credentials_file(file("token=abc", 0400))).password.reveal(), "abc");
  EXPECT_FAILS(read_credentials_file((directory_ / "missing").string()), ErrorKind::NotFound, "missing");
  EXPECT_FAILS(read_credentials_file(directory_.path().string()), ErrorKind::Invalid, "");
}

// As Kubernetes mounts it: readable for all in the container, a link into a tmpfs.
TEST_F(CredentialsFileTest, MayBeAMountedSecret) {
  std::string secret = "/dev/shm/packferry-test-XXXXXX";
  const int fd = ::mkstemp(secret.data());
  ASSERT_GE(fd, 0);
  EXPECT_EQ(::write(fd, "token=abc\n", 10), 10);
  EXPECT_EQ(::fchmod(fd, 0644), 0);
  ::close(fd);
  const std::filesystem::path link = directory_ / "link";
  std::filesystem::create_symlink(secret, link);
  const Result<Credentials> linked = read_credentials_file(link.string());
  const Result<Credentials> plain = read_credentials_file(secret);
  std::filesystem::remove(secret);
  EXPECT_EQ(must(linked).password.reveal(), "abc");
  EXPECT_FAILS(plain, ErrorKind::Invalid, "chmod 600");

  std::filesystem::create_symlink(file("token=abc", 0644), directory_ / "ordinary");
  EXPECT_FAILS(read_credentials_file((directory_ / "ordinary").string()), ErrorKind::Invalid, "chmod 600");
}

TEST(CredentialQuestion, IsAnAddress) {
  const auto asked = [](std::string_view text) -> std::string {
    const std::optional<Url> url = parse_credential_question(text);
    return url ? url->user() + "|" + url->text() : "nothing";
  };
  EXPECT_EQ(asked("protocol=https\nhost=host.example\npath=v1/repos/web\n\n"), "|https://host.example/v1/repos/web");
  EXPECT_EQ(asked("protocol=https\nhost=host.example:8443\nusername=a@b:c\n"), "nothing") << "no name for Basic";
  EXPECT_EQ(asked("protocol=http\nhost=host.example:8443\nusername=a@b\nwwwauth[]=Basic\n"),
            "a@b|http://host.example:8443/");
  EXPECT_EQ(asked("capability[]=authtype\nprotocol=https\nhost=[::1]\npath=a b?c%20d\n"),
            "|https://[::1]/a%20b%3Fc%2520d");
  for (const char* none : {"", "protocol=https\n", "host=x\n", "protocol=ssh\nhost=x\n", "protocol=https\nhost=a/b\n",
                           "protocol=https\nhost=a@b\n", "protocol=https\nhost=x\npath=a/../b\n", "no question"})
    EXPECT_EQ(asked(none), "nothing") << none;
}

}  // namespace
}  // namespace packferry
