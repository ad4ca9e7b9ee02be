#include "config/read_hosts.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/printable.h"
#include "config/config_keys.h"

namespace packferry {
namespace {

constexpr unsigned kJobsMax = 256;
constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";

bool consists_of(std::string_view text, std::initializer_list<std::string_view> characters) {
  return text.find_first_not_of(fmt::format("{}", fmt::join(characters, ""))) == std::string_view::npos;
}

bool is_variable_name(std::string_view text) {
  return consists_of(text, {kLetters, kDigits, "_"}) && !text.empty() && !consists_of(text.substr(0, 1), {kDigits});
}

Result<std::string> one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words)
    if (text == word) return std::string(text);
  return Error(ErrorKind::Invalid, "'{}' is not known; there are {}", printable(text, 100), fmt::join(words, ", "));
}
Result<std::string> parse_addressing(std::string_view text) { return one_of(text, {"auto", "path", "virtual"}); }
Result<std::string> parse_sse(std::string_view text) { return one_of(text, {"AES256", "aws:kms", "aws:kms:dsse"}); }

Result<Url> parse_host_url(std::string_view text) {
  Url url = TRY(Url::parse(text));
  if (!url.is_http() || !url.query().empty())
    return Error(ErrorKind::Invalid, "an address of http or https is wanted; https://git.example.com is one");
  return url;
}

class HostReader {
 public:
  HostReader(const ConfigValue& value, HostKind kind, std::string_view folder, ConfigMistakes& mistakes)
      : keys_(keys_of_host(kind)), table_(value, keys_, mistakes), folder_(folder), mistakes_(mistakes) {
    host_.name = value.key;
    host_.kind = kind;
  }

  FleetHost read() && {
    host_.jobs = table_.number("jobs", 1, kJobsMax).value_or(host_.jobs);
    if (const auto file = table_.text("ca_file")) host_.ca_file = absolute_path(folder_, *file);
    if (host_.kind == HostKind::CodeCommit) {
      read_codecommit();
    } else if (host_.kind == HostKind::Directory) {
      if (table_.require("path", R"("/srv/git")"))
        if (const auto path = table_.text("path")) host_.path = absolute_path(folder_, *path);
    } else {
      host_.user = table_.text("user").value_or("");
      host_.token = read_secret(table_, "token", folder_, mistakes_);
      host_.kind == HostKind::List ? read_list() : read_forge();
    }
    return std::move(host_);
  }

 private:
  void read_codecommit() {
    table_.require("region", R"("eu-central-1")");
    host_.region = table_.parsed("region", parse_aws_region).value_or("");
    host_.identity = read_identity(table_, mistakes_);
  }

  void read_forge() {
    const bool has_public_one = host_.kind == HostKind::GitHub || host_.kind == HostKind::Bitbucket;
    if (!has_public_one) table_.require("url", R"("https://git.example.com")");
    if (auto url = table_.parsed("url", parse_host_url)) {
      check_shows_no_secret(*url, table_.find("url")->place);
      host_.url = std::move(*url);
    }
    if (!table_.has("app")) {
      table_.require("token", R"({ env = "NAME" })");
    } else if (host_.kind == HostKind::GitHub) {
      if (table_.has("token"))
        mistakes_.add(table_.find("token")->place, "token and app are two ways to say who we are", "leave one out");
      host_.app = read_app(*table_.find("app"));
    }
  }

  AppIdentity read_app(const ConfigValue& value) {
    TableReader app(value, keys_of(ConfigTable::App), mistakes_);
    AppIdentity identity;
    app.require("id", "123456");
    identity.id = app.text_or_number("id").value_or("");
    identity.installation = app.text_or_number("installation").value_or("");
    if (app.require("key", R"({ file = "/PATH" })"))
      identity.key = read_secret(app, "key", folder_, mistakes_).value_or(SecretReference());
    return identity;
  }

  void read_list() {
    if (!table_.has("repositories") && !table_.has("file"))
      table_.require("repositories", R"(["https://git.example.com/app/web.git"], or file = "addresses.txt")");
    if (const auto file = table_.text("file")) host_.file = absolute_path(folder_, *file);
    std::set<std::string> seen;
    for (const ConfigValue* item : table_.texts("repositories")) {
      auto url = table_.parsed(*item, item->text, Url::parse);
      if (!url) continue;
      check_shows_no_secret(*url, item->place);
      if (url->is_local()) url = table_.parsed(*item, absolute_path(folder_, url->path()), Url::parse);
      if (!url) continue;
      if (!seen.insert(url->text()).second)
        mistakes_.add(item->place, fmt::format("{} is in the list twice", url->text()), "leave one out");
      host_.repositories.push_back(std::move(*url));
    }
  }

  void check_shows_no_secret(const Url& url, ConfigPlace place) {
    if (!url.password().empty() || (url.is_http() && !url.user().empty()))
      mistakes_.add(place, "an address here has no user and no password",
                    R"(write user = "NAME" and token = { env = "NAME" }, and take another secret)");
  }

  const std::vector<std::string_view> keys_;
  TableReader table_;
  const std::string_view folder_;
  ConfigMistakes& mistakes_;
  FleetHost host_;
};

// Nothing when it does not say, or says what there is not; then its other keys are those of some kind at least.
std::optional<HostKind> read_kind(const ConfigValue& value, ConfigMistakes& mistakes) {
  const ConfigValue* const said = value.find("kind");
  const bool is_text = said != nullptr && said->kind == ConfigValue::Kind::Text;
  const Result<HostKind> kind = is_text ? parse_host_kind(said->text) : Error(ErrorKind::Invalid, "kind is missing");
  if (kind) return *kind;
  const std::vector<std::string_view> keys = keys_of_host(std::nullopt);
  TableReader table(value, keys, mistakes);
  table.require("kind", R"("gitlab")");
  if (table.text("kind")) mistakes.add(said->place, "kind", kind.error());
  return std::nullopt;
}

FleetStore read_store(const ConfigValue& value, std::string_view folder, ConfigMistakes& mistakes) {
  TableReader table(value, keys_of(ConfigTable::Store), mistakes);
  FleetStore store{.name = value.key, .address = {}};
  table.require("address", R"("s3://BUCKET/PREFIX")");
  store.address = table.parsed("address", StoreAddress::parse).value_or(StoreAddress());
  if (!store.address.path.empty()) store.address.path = absolute_path(folder, store.address.path);
  StoreOptions& options = store.options;
  if (const auto endpoint = table.parsed("endpoint_url", parse_host_url)) options.endpoint = endpoint->text();
  options.region = table.parsed("region", parse_aws_region).value_or("");
  options.addressing = table.parsed("addressing", parse_addressing).value_or("auto");
  options.server_side_encryption = table.parsed("sse", parse_sse).value_or("");
  options.kms_key_id = table.text("sse_kms_key_id").value_or("");
  options.storage_class = table.text("storage_class").value_or("");
  options.expected_bucket_owner = table.text("expected_bucket_owner").value_or("");
  options.bucket_owner_full_control = table.truth("bucket_owner_full_control").value_or(false);
  if (const auto lock = table.text("object_lock"))
    if (const Result<> taken = take_object_lock(*lock, options); !taken)
      mistakes.add(table.find("object_lock")->place, "object_lock", taken.error());
  store.identity = read_identity(table, mistakes);
  if (!store.address.path.empty() && (options.is_for_s3() || store.identity.is_named()))
    mistakes.add(table.find("address")->place, "this store is a directory, and the table says what only S3 knows",
                 "leave everything but the address out");
  return store;
}

}  // namespace

void check_config_name(ConfigPlace place, std::string_view name, ConfigMistakes& mistakes) {
  if (!name.empty() && consists_of(name, {kLetters, kDigits, "._-"}) && !name.starts_with('.') &&
      !name.starts_with('-'))
    return;
  mistakes.add(place, fmt::format("'{}' is no name here", printable(name, 100)),
               "letters, digits, '.', '_' and '-'; a letter, digit or '_' first");
}

std::string absolute_path(std::string_view folder, std::string_view path) {
  return (std::filesystem::path(folder) / path).lexically_normal().string();
}

// No message repeats what was said: it may be the secret.
std::optional<SecretReference> read_secret(const ConfigValue& value, std::string_view key, std::string_view folder,
                                           ConfigMistakes& mistakes) {
  constexpr std::string_view kHow = R"({ env = "NAME" } or { file = "/PATH" })";
  if (value.kind != ConfigValue::Kind::Table) {
    mistakes.add(value.place, fmt::format("{} is given as a value", key),
                 fmt::format("write {} = {}, and take another secret: this one has been in a file", key, kHow));
    return std::nullopt;
  }
  TableReader table(value, keys_of(ConfigTable::Secret), mistakes);
  const std::optional<std::string> env = table.text("env"), file = table.text("file");
  if (table.has("env") == table.has("file")) {
    mistakes.add(value.place, fmt::format("{} is in one place", key), fmt::format("write {} = {}", key, kHow));
    return std::nullopt;
  }
  if (file) return SecretReference{SecretReference::Kind::File, absolute_path(folder, *file)};
  if (env && is_variable_name(*env)) return SecretReference{SecretReference::Kind::Environment, *env};
  if (env)
    mistakes.add(table.find("env")->place, "env is the name of a variable of the environment",
                 "if this is the secret itself, take another one: it has been in a file");
  return std::nullopt;
}

std::optional<SecretReference> read_secret(TableReader& owner, std::string_view key, std::string_view folder,
                                           ConfigMistakes& mistakes) {
  const ConfigValue* const value = owner.find(key);
  return value == nullptr ? std::nullopt : read_secret(*value, key, folder, mistakes);
}

AwsIdentity read_identity(TableReader& owner, ConfigMistakes& mistakes) {
  AwsIdentity identity{.profile = owner.text("profile").value_or(""),
                       .role_arn = owner.text("role").value_or(""),
                       .external_id = owner.text("external_id").value_or(""),
                       .session_name = owner.text("session_name").value_or("")};
  if (owner.has("role") && !identity.role_arn.empty() && !identity.role_arn.starts_with("arn:"))
    mistakes.add(owner.find("role")->place, "role is no ARN", "it begins with arn:aws:iam::");
  for (const std::string_view key : {"external_id", "session_name"})
    if (owner.has(key) && !owner.has("role"))
      mistakes.add(owner.find(key)->place, fmt::format("{} goes with a role", key), R"(write role = "arn:aws:iam::…")");
  return identity;
}

Result<std::string> parse_aws_region(std::string_view text) {
  if (has_shape_of_aws_region(text)) return std::string(text);
  return Error(ErrorKind::Invalid, "'{}' is no region of AWS; eu-central-1 is one", printable(text, 100));
}

ConfigHosts read_hosts(const ConfigValue& tables, std::string_view folder, ConfigMistakes& mistakes) {
  ConfigHosts read;
  for (const ConfigValue& value : tables.children) {
    check_config_name(value.key_place, value.key, mistakes);
    read.names.insert(value.key);
    if (const auto kind = read_kind(value, mistakes))
      read.hosts.push_back(HostReader(value, *kind, folder, mistakes).read());
  }
  return read;
}

ConfigStores read_stores(const ConfigValue& tables, std::string_view folder, ConfigMistakes& mistakes) {
  ConfigStores read;
  for (const ConfigValue& value : tables.children) {
    check_config_name(value.key_place, value.key, mistakes);
    read.names.insert(value.key);
    read.stores.push_back(read_store(value, folder, mistakes));
  }
  return read;
}

}  // namespace packferry
