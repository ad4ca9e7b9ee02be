#include "store/file_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include "base/digest.h"
#include "base/printable.h"

namespace packferry {

// The folders from the root down to the one that holds an object; parts[i] is a name in folders[i].
struct FileStore::Way {
  std::vector<Fd> folders;
  std::vector<std::string> parts;

  int folder() const { return folders.back().get(); }
  const char* name() const { return parts.back().c_str(); }
};

struct FileStore::Found {
  Way way;
  struct stat status;
};

namespace {

constexpr int kFolder = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

// How often a folder may vanish between being made and being used: each time somebody else has removed an object.
constexpr int kRacesMax = 1'000;

std::vector<std::string> parts_of(std::string_view key) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= key.size(); at += parts.back().size() + 1)
    parts.emplace_back(key.substr(at, key.find('/', at) - at));
  return parts;
}

Result<std::string> random_name() {
  std::array<std::byte, 16> random;
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size()))
    return errno_error(errno, "get random bytes");
  return std::string(kReservedKeyPrefix) + to_hex(random);
}

ObjectInfo info(std::string_view key, const struct stat& status) {
  const auto modified = std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec);
  return {.key = std::string(key),
          .bytes = static_cast<std::uint64_t>(status.st_size),
          .modified_at = Clock::WallTime(std::chrono::duration_cast<Clock::WallTime::duration>(modified))};
}

bool is_there(int folder, const char* name, mode_t type) {
  struct stat status {};
  return ::fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && (status.st_mode & S_IFMT) == type;
}

// Makes the folders above `path` too; each new name is synced, as a backup's place must not go with the power.
Result<> make_root(const std::filesystem::path& path) {
  const std::filesystem::path parent = path.parent_path();
  if (::mkdir(path.c_str(), 0700) != 0) {
    if (errno == EEXIST) return {};
    if (errno != ENOENT || parent == path)
      return errno_error(errno, fmt::format("make the directory '{}'", path.native()));
    TRY(make_root(parent));
    return make_root(path);
  }
  const Fd above(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!above || ::fsync(above.get()) != 0)
    return errno_error(errno, fmt::format("sync the directory '{}'", parent.native()));
  return {};
}

// rename(2) that never replaces. Network file systems cannot do it in one step, but have link(2), which never does.
int move_without_replacing(int from_folder, const char* from, int to_folder, const char* to) {
  if (::renameat2(from_folder, from, to_folder, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  if (::linkat(from_folder, from, to_folder, to, 0) != 0) return -1;
  ::unlinkat(from_folder, from, 0);  // what stays is swept
  return 0;
}

// The names in a folder, without "." and "..".
Result<std::vector<std::string>> names_in(int folder, const std::string& doing) {
  Fd fd(::openat(folder, ".", kFolder));  // a position of its own: others may be reading there
  if (!fd) return errno_error(errno, doing);
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(fd.get()), ::closedir);
  if (!directory) return errno_error(errno, doing);
  fd.release();  // closedir() closes it

  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return errno_error(errno, doing);
  return names;
}

class ObjectReader final : public Reader {
 public:
  ObjectReader(Fd fd, std::uint64_t bytes, std::string doing)
      : fd_(std::move(fd)), left_(bytes), doing_(std::move(doing)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    CHECK(!into.empty());
    if (left_ == 0) return 0U;
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left_));
    const std::size_t count = TRY(read_some(fd_.get(), into.first(most), doing_));
    if (count == 0) return Error(ErrorKind::Unavailable, "{}: it ended {} bytes early", doing_, left_);
    left_ -= count;
    return count;
  }

 private:
  const Fd fd_;
  std::uint64_t left_;
  const std::string doing_;
};

}  // namespace

class FileStore::ObjectWriter final : public Writer {
 public:
  ObjectWriter(const FileStore& store, std::string_view key, std::string temporary, Fd fd)
      : store_(store), key_(key), temporary_(std::move(temporary)), fd_(std::move(fd)) {}

  ~ObjectWriter() override {
    if (!published_) ::unlinkat(store_.root_.get(), temporary_.c_str(), 0);
  }

  Result<> write(std::span<const std::byte> bytes) override {
    CHECK(fd_);
    return write_fully(fd_.get(), bytes, store_.doing("write", key_));
  }

  Result<> finish() override {
    CHECK(fd_);
    const Fd fd = std::move(fd_);
    if (::fsync(fd.get()) != 0) return errno_error(errno, store_.doing("sync", key_));
    TRY(store_.publish(temporary_, key_));
    published_ = true;
    return {};
  }

 private:
  const FileStore& store_;
  const std::string key_;
  const std::string temporary_;
  Fd fd_;
  bool published_ = false;
};

Result<std::unique_ptr<FileStore>> FileStore::open(const std::filesystem::path& root, IfMissing if_missing,
                                                   const Clock& clock) {
  std::error_code error;
  if (if_missing == IfMissing::Make) TRY(make_root(std::filesystem::absolute(root, error)));
  const std::filesystem::path path = std::filesystem::canonical(root, error);
  if (error) return errno_error(error.value(), fmt::format("find the directory '{}'", root.native()));
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return errno_error(errno, fmt::format("open the directory '{}'", path.native()));
  return std::unique_ptr<FileStore>(new FileStore("file://" + printable(path.native()), std::move(fd), clock));
}

std::string FileStore::doing(std::string_view what, std::string_view key) const {
  return fmt::format("{} '{}' of {}", what, printable(key), name_);
}

Result<FileStore::Way> FileStore::way_to(std::string_view key, IfMissing if_missing) const {
  Way way{.folders = {}, .parts = parts_of(key)};
  way.folders.emplace_back(::openat(root_.get(), ".", kFolder));
  if (!way.folders.back()) return errno_error(errno, doing("find", key));

  std::size_t bytes = 0;
  for (std::size_t i = 0; i + 1 < way.parts.size(); ++i) {
    const int above = way.folder();
    const char* part = way.parts[i].c_str();
    bytes += way.parts[i].size() + 1;
    if (if_missing == IfMissing::Make && ::mkdirat(above, part, 0700) != 0 && errno != EEXIST)
      return errno_error(errno, doing("make the folder of", key));
    way.folders.emplace_back(::openat(above, part, kFolder));
    if (way.folders.back()) continue;

    if (errno != ENOTDIR) return errno_error(errno, doing("find", key));
    const std::string_view folder = key.substr(0, bytes - 1);
    if (is_there(above, part, S_IFLNK)) return is_link("find", key, folder);
    if (if_missing == IfMissing::Make)
      return Error(ErrorKind::Conflict, "{}: '{}' is an object, and nothing lies below an object", doing("put", key),
                   folder);
    return Error(ErrorKind::NotFound, "{}: no such object", doing("find", key));
  }
  return way;
}

Result<std::optional<FileStore::Found>> FileStore::look_for(std::string_view key) const {
  TRY(check_key(key));
  Result<Way> way = way_to(key, IfMissing::Fail);
  if (!way && way.error().kind() == ErrorKind::NotFound) return std::optional<Found>();
  Found found {
    .way = TRY(std::move(way))
    , .status = {}
  };
  if (::fstatat(found.way.folder(), found.way.name(), &found.status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return std::optional<Found>();
    return errno_error(errno, doing("find", key));
  }
  if (S_ISLNK(found.status.st_mode)) return is_link("find", key, key);
  if (!S_ISREG(found.status.st_mode)) return std::optional<Found>();
  return std::optional(std::move(found));
}

Error FileStore::is_link(std::string_view what, std::string_view key, std::string_view link) const {
  return Error(ErrorKind::Invalid, "{}: '{}' is a symbolic link, and none is followed below the root", doing(what, key),
               printable(link));
}

Result<std::unique_ptr<Writer>> FileStore::create(std::string_view key, std::stop_token) {
  TRY(check_key(key));
  const std::string temporary = TRY(random_name());
  Fd fd(::openat(root_.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return errno_error(errno, doing("create", key));
  return std::make_unique<ObjectWriter>(*this, key, temporary, std::move(fd));
}

Result<> FileStore::put_if_absent(std::string_view key, std::span<const std::byte> bytes, std::stop_token stop) {
  const std::unique_ptr<Writer> writer = TRY(create(key, stop));
  TRY(writer->write(bytes));
  return writer->finish();
}

Result<> FileStore::publish(const std::string& temporary, std::string_view key) const {
  for (int races = 0; races < kRacesMax; ++races) {
    const Result<Way> way = way_to(key, IfMissing::Make);
    if (!way && way.error().kind() == ErrorKind::NotFound) continue;
    if (!way) return way.error();
    if (move_without_replacing(root_.get(), temporary.c_str(), way->folder(), way->name()) == 0) return sync(*way, key);

    const int number = errno;
    if (number == ENOENT && is_there(root_.get(), temporary.c_str(), S_IFREG)) continue;
    remove_empty_folders(*way);
    if (number == ENOENT)
      return Error(ErrorKind::Unavailable, "{}: its unfinished file was removed meanwhile", doing("put", key));
    if (number == EEXIST && is_there(way->folder(), way->name(), S_IFDIR))
      return Error(ErrorKind::Conflict, "{}: it is a folder, with objects below it", doing("put", key));
    return errno_error(number, doing("put", key));
  }
  return Error(ErrorKind::Unavailable, "{}: its folder is removed again and again", doing("put", key));
}

// All folders on the way: another writer may have made them a moment ago, and not have come to syncing them.
Result<> FileStore::sync(const Way& way, std::string_view key) const {
  for (auto folder = way.folders.rbegin(); folder != way.folders.rend(); ++folder)
    if (::fsync(folder->get()) != 0) return errno_error(errno, doing("sync the folder of", key));
  return {};
}

Result<std::unique_ptr<Reader>> FileStore::open(std::string_view key, std::uint64_t offset, std::stop_token) {
  const std::optional<Found> found = TRY(look_for(key));
  if (!found) return Error(ErrorKind::NotFound, "{}: no such object", doing("open", key));
  // What became of the name since then does not keep us waiting (a pipe), nor lead us elsewhere (a link).
  Fd fd(::openat(found->way.folder(), found->way.name(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return errno_error(errno, doing("open", key));
  const auto bytes = static_cast<std::uint64_t>(found->status.st_size);
  if (offset > bytes) return Error(ErrorKind::Invalid, "{} at byte {}: it has {}", doing("open", key), offset, bytes);
  if (::lseek(fd.get(), static_cast<off_t>(offset), SEEK_SET) < 0) return errno_error(errno, doing("open", key));
  return std::make_unique<ObjectReader>(std::move(fd), bytes - offset, doing("read", key));
}

Result<std::optional<ObjectInfo>> FileStore::find(std::string_view key, std::stop_token) {
  const std::optional<Found> found = TRY(look_for(key));
  if (!found) return std::optional<ObjectInfo>();
  return std::optional(info(key, found->status));
}

Result<std::vector<ObjectInfo>> FileStore::list(std::string_view prefix, std::stop_token stop) {
  // The deepest folder that holds everything with this prefix; what is no key holds nothing.
  const std::size_t slash = prefix.rfind('/');
  const std::string_view top = slash == std::string_view::npos ? "" : prefix.substr(0, slash);
  std::vector<ObjectInfo> objects;
  if (slash != std::string_view::npos && !check_key(top)) return objects;

  std::vector<std::string> folders{std::string(top)};
  while (!folders.empty()) {
    if (stop.stop_requested()) return Error(ErrorKind::Cancelled, "{}: stopped", doing("list", prefix));
    const std::string folder = std::move(folders.back());
    folders.pop_back();
    TRY(list_folder(folder, prefix, objects, folders));
  }
  std::sort(objects.begin(), objects.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  return objects;
}

// The objects of one folder, and the folders in it, as far as the prefix leads there.
Result<> FileStore::list_folder(const std::string& folder, std::string_view prefix, std::vector<ObjectInfo>& objects,
                                std::vector<std::string>& folders) const {
  const std::string above = folder.empty() ? "" : folder + "/";
  // Folders come and go while we look.
  const Result<Way> way = way_to(above + ".", IfMissing::Fail);
  if (!way && way.error().kind() == ErrorKind::NotFound) return {};
  if (!way) return way.error();
  for (const std::string& name : TRY(names_in(way->folder(), doing("list", folder)))) {
    const std::string key = above + name;
    if (!key.starts_with(prefix) || !check_key(key)) continue;
    struct stat status {};
    if (::fstatat(way->folder(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;
      return errno_error(errno, doing("list", key));
    }
    if (S_ISLNK(status.st_mode)) return is_link("list", prefix, key);
    if (S_ISDIR(status.st_mode)) folders.push_back(key);
    if (S_ISREG(status.st_mode)) objects.push_back(info(key, status));
  }
  return {};
}

// But never the root. Whoever has put something there meanwhile wins.
void FileStore::remove_empty_folders(const Way& way) {
  for (std::size_t i = way.folders.size() - 1; i > 0; --i)
    if (::unlinkat(way.folders[i - 1].get(), way.parts[i - 1].c_str(), AT_REMOVEDIR) != 0) return;
}

Result<> FileStore::remove(std::string_view key, std::stop_token) {
  const std::optional<Found> found = TRY(look_for(key));
  if (!found) return {};
  const Way& way = found->way;
  if (::unlinkat(way.folder(), way.name(), 0) != 0 && errno != ENOENT) return errno_error(errno, doing("remove", key));
  if (::fsync(way.folder()) != 0) return errno_error(errno, doing("sync the folder of", key));
  remove_empty_folders(way);
  return {};
}

Result<std::size_t> FileStore::sweep(Milliseconds age, std::stop_token) {
  std::size_t swept = 0;
  for (const std::string& name : TRY(names_in(root_.get(), "sweep " + name_))) {
    struct stat status {};
    if (!name.starts_with(kReservedKeyPrefix)) continue;
    if (::fstatat(root_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode)) continue;
    if (clock_.now() - *info(name, status).modified_at <= age) continue;
    if (::unlinkat(root_.get(), name.c_str(), 0) == 0)
      ++swept;
    else if (errno != ENOENT)
      return errno_error(errno, doing("sweep", name));
  }
  return swept;
}

}  // namespace packferry
