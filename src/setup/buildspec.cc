#include "setup/buildspec.h"

#include <fmt/format.h>

#include "setup/template.h"

namespace packferry {
namespace {

// Everything in here has passed is_inert(), so the quotes hold.
std::string quoted(std::string_view word) { return fmt::format("'{}'", word); }

// One command over several lines, an option each.
class Command {
 public:
  explicit Command(std::string begin) : text_(std::move(begin)) {}
  Command& add(std::string_view option) {
    text_ += fmt::format(" \\\n  {}", option);
    return *this;
  }
  Command& add(std::string_view option, const std::string& value) {
    return value.empty() ? *this : add(fmt::format("{} {}", option, quoted(value)));
  }
  Command& add_each(std::string_view option, const std::vector<std::string>& values) {
    for (const std::string& value : values) add(option, value);
    return *this;
  }
  std::string text() const { return text_ + "\n"; }

 private:
  std::string text_;
};

std::string shards_block(unsigned shards) {
  std::string out = fmt::format(
      "\n# {} builds at once, and a share of the repositories for each. The project needs a batch role:\n"
      "# 'packferry setup codebuild-policy --role batch'.\n"
      "batch:\n"
      "  # A share that fails does not stop the others.\n"
      "  fast-fail: false\n"
      "  build-list:\n",
      shards);
  for (unsigned shard = 1; shard <= shards; ++shard)
    out += fmt::format(
        "    - identifier: shard_{0}\n"
        "      env:\n"
        "        variables:\n"
        "          PACKFERRY_SHARD: '{0}/{1}'\n",
        shard, shards);
  return out;
}

std::string_view what_it_does(BuildspecMode mode) {
  switch (mode) {
    case BuildspecMode::Single:
      return "backs all CodeCommit repositories up, in one build.";
    case BuildspecMode::Event:
      return "backs up the CodeCommit repository that an event is about.";
    case BuildspecMode::Batch:
      return "backs all CodeCommit repositories up, divided among several builds.";
  }
  CHECK(!"a mode does something");
  return "";
}

std::string backup_command(const BuildspecOptions& options) {
  // The names of an event come out of the environment, into the program, and never through the shell.
  Command command(options.mode == BuildspecMode::Event ? "packferry backup --from-environment"
                                                       : "packferry backup --all codecommit");
  if (options.mode != BuildspecMode::Event) {
    command.add("--region", fmt::format("{}", fmt::join(options.regions, ",")));
    command.add_each("--include", options.include).add_each("--exclude", options.exclude);
  }
  if (options.mode == BuildspecMode::Batch) command.add("--shard \"$PACKFERRY_SHARD\"");
  command.add("--to", store_of(options.bucket, options.prefix));
  command.add("--name '${region}/${repo_name}'");
  command.add("--key '${repo_name}/${repo_basename}-${datetime}'");
  command.add("--expected-bucket-owner", options.bucket_owner);
  if (!options.kms_key.empty()) command.add("--sse aws:kms").add("--sse-kms-key-id", options.kms_key);
  command.add("--object-lock", options.object_lock).add_each("--recipient", options.recipients);
  // The alarms are about runs over everything: one repository that went well would silence them.
  if (options.mode != BuildspecMode::Event) command.add("--jobs", options.jobs).add("--metrics emf-run");
  return command.text();
}

}  // namespace

std::string store_of(const std::string& bucket, const std::string& prefix) {
  return fmt::format("s3://{}/{}", bucket, prefix);
}

Result<std::string> install_commands(const PackageSource& package) {
  if (package.address.empty()) return std::string("packferry --version\n");
  const bool is_from_s3 = package.address.starts_with("s3://");
  if (package.sha256.empty() && !is_from_s3 && !package.address.starts_with("https://"))
    return Error(ErrorKind::Invalid, "what comes over http:// or from a file needs --package-digest");
  std::string out =
      "set -eu\n"
      "export DEBIAN_FRONTEND=noninteractive\n"
      "apt-get -qq update\n";
  out += fmt::format("apt-get -qq install --yes --no-install-recommends ca-certificates {} >/dev/null\n",
                     is_from_s3 ? "awscli" : "curl");
  out += "package=$(mktemp -d)/packferry.deb\n";
  out += is_from_s3 ? fmt::format("aws s3 cp --only-show-errors {} \"$package\"\n", quoted(package.address))
                    : fmt::format("curl --fail --silent --show-error --location --retry 3 --output \"$package\" {}\n",
                                  quoted(package.address));
  if (!package.sha256.empty())
    out += fmt::format("echo \"{}  $package\" | sha256sum --check --quiet\n", package.sha256);
  // The sandbox of apt is another user, who has to get at the file.
  out += "chmod -R a+rX \"$(dirname \"$package\")\"\n";
  out += "apt-get -qq install --yes --no-install-recommends \"$package\" >/dev/null\n";
  out += "packferry --version\n";
  return out;
}

Result<std::string> buildspec(const BuildspecOptions& options) {
  std::string install = TRY(install_commands(options.package));
  return fill_template(template_text("buildspec"),
                       {.words = {{"what", std::string(what_it_does(options.mode))}},
                        .blocks = {{"batch", options.mode == BuildspecMode::Batch ? shards_block(options.shards) : ""},
                                   {"install", std::move(install)},
                                   {"backup", backup_command(options)}}});
}

}  // namespace packferry
