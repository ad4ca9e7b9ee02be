#include "aws/aws_profile.h"

#include <gtest/gtest.h>

#include <fstream>

#include "testing/must.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using testing::must;
using testing::TempDir;

class AwsProfileTest : public ::testing::Test {
 protected:
  void write(const std::string& name, std::string_view text) { std::ofstream(directory_ / name) << text; }
  Result<AwsProfile> load(std::string_view named = "") {
    return AwsProfile::load(named, [this](std::string_view name) -> std::optional<std::string> {
      const auto found = environment_.find(name);
      if (found == environment_.end()) return std::nullopt;
      return found->second;
    });
  }

  TempDir directory_;
  std::map<std::string, std::string, std::less<>> environment_ = {
      {"AWS_CONFIG_FILE", (directory_ / "config").string()},
      {"AWS_SHARED_CREDENTIALS_FILE", (directory_ / "credentials").string()}};
};

TEST_F(AwsProfileTest, WithoutFilesThereIsAnEmptyDefault) {
  const AwsProfile profile = must(load());
  EXPECT_EQ(profile.name(), "default");
  EXPECT_FALSE(profile.is_named_explicitly());
  EXPECT_EQ(profile.region(), std::nullopt);
  EXPECT_EQ(profile.endpoint_url("s3"), std::nullopt);
}

TEST_F(AwsProfileTest, ReadsBothFilesAndTheCredentialsFileWins) {
  write("config",
        "# a comment\n[default]\nregion = eu-west-1\n\n[profile west]\r\nregion=us-west-2 ; where\r\n"
        "aws_access_key_id = from-config\noutput =\ns3 =\n  addressing_style = path\n"
        "[services x]\nregion = nowhere\n[west]\nregion = not a profile\n");
  write("credentials", "[west]\naws_access_key_id = AKIA\nAWS_SECRET_ACCESS_KEY = a=b#c\n");
  EXPECT_EQ(must(load()).region(), "eu-west-1");
  const AwsProfile west = must(load("west"));
  EXPECT_TRUE(west.is_named_explicitly());
  EXPECT_EQ(west.region(), "us-west-2");
  EXPECT_EQ(west.find("aws_access_key_id"), "AKIA");
  EXPECT_EQ(west.find("aws_secret_access_key"), "a=b#c");
  EXPECT_EQ(west.find("s3.addressing_style"), "path");
  EXPECT_EQ(west.find("output"), std::nullopt);
}

TEST_F(AwsProfileTest, AProfileThatIsNamedMustBeThere) {
  EXPECT_FAILS(load("nobody"), ErrorKind::Invalid, "'nobody'");
  environment_["AWS_PROFILE"] = "nobody";
  EXPECT_FAILS(load(), ErrorKind::Invalid, "'nobody'");
  write("credentials", "[nobody]\nregion = eu-north-1\n");
  EXPECT_EQ(must(load()).region(), "eu-north-1");
  EXPECT_FALSE(must(load()).is_named_explicitly());
}

TEST_F(AwsProfileTest, TheEnvironmentWins) {
  write("config", "[default]\nregion = eu-west-1\nendpoint_url = http://profile.example.org\n");
  EXPECT_EQ(must(load()).endpoint_url("s3"), "http://profile.example.org");
  environment_["AWS_DEFAULT_REGION"] = "eu-west-2";
  environment_["AWS_ENDPOINT_URL"] = "http://all.example.org";
  EXPECT_EQ(must(load()).region(), "eu-west-2");
  EXPECT_EQ(must(load()).endpoint_url("s3"), "http://all.example.org");
  environment_["AWS_REGION"] = "eu-west-3";
  environment_["AWS_ENDPOINT_URL_S3"] = "http://s3.example.org";
  EXPECT_EQ(must(load()).region(), "eu-west-3");
  EXPECT_EQ(must(load()).endpoint_url("s3"), "http://s3.example.org");
  environment_["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true";
  EXPECT_EQ(must(load()).endpoint_url("s3"), std::nullopt);
}

TEST_F(AwsProfileTest, AProfileThatIsNamedExplicitlyKeepsItsRegion) {
  write("config", "[default]\nregion = eu-west-1\n[profile west]\nregion = us-west-2\n[profile bare]\noutput = json\n");
  environment_["AWS_REGION"] = "eu-west-3";
  EXPECT_EQ(must(load()).region(), "eu-west-3");
  EXPECT_EQ(must(load("west")).region(), "us-west-2");
  EXPECT_EQ(must(load("bare")).region(), "eu-west-3");
}

TEST_F(AwsProfileTest, EachServiceMayHaveAnEndpoint) {
  write("config",
        "[profile west]\nservices = mine\nendpoint_url = http://all.example.org\n"
        "[services mine]\ncodecommit =\n  endpoint_url = http://codecommit.example.org\nsts =\n  region = x\n");
  const AwsProfile west = must(load("west"));
  EXPECT_EQ(west.endpoint_url("codecommit"), "http://codecommit.example.org");
  EXPECT_EQ(west.endpoint_url("sts"), "http://all.example.org");
  environment_["AWS_ENDPOINT_URL_CODECOMMIT"] = "http://env.example.org";
  EXPECT_EQ(must(load("west")).endpoint_url("codecommit"), "http://env.example.org");
  write("config", "[profile west]\nendpoint_url = http://x\nignore_configured_endpoint_urls = TRUE\n");
  EXPECT_EQ(must(load("west")).endpoint_url("codecommit"), std::nullopt);
}

TEST_F(AwsProfileTest, KnowsWhatStandsInTheCredentialsFile) {
  write("config", "[profile west]\naws_access_key_id = a\naws_secret_access_key = b\n");
  write("credentials", "[west]\naws_access_key_id = c\n");
  EXPECT_TRUE(must(load("west")).is_in_credentials_file("aws_access_key_id"));
  EXPECT_FALSE(must(load("west")).is_in_credentials_file("aws_secret_access_key"));
}

TEST_F(AwsProfileTest, LooksBelowHome) {
  environment_ = {{"HOME", directory_.path().string()}};
  std::filesystem::create_directory(directory_ / ".aws");
  write(".aws/config", "[default]\nregion = eu-west-1\n");
  EXPECT_EQ(must(load()).region(), "eu-west-1");
}

TEST_F(AwsProfileTest, RefusesLinesThatAreNoSettingAndDoesNotRepeatThem) {
  for (const char* text : {"region = x\n", "[default\n", "[default]\nAKIASECRET\n"}) {
    write("config", text);
    const Result<AwsProfile> refused = load();
    ASSERT_FALSE(refused.has_value()) << text;
    EXPECT_EQ(refused.error().kind(), ErrorKind::Invalid);
    EXPECT_NE(refused.error().message().find("line "), std::string::npos);
    EXPECT_EQ(refused.error().message().find("SECRET"), std::string::npos);
  }
}

}  // namespace
}  // namespace packferry
