#include "backup/zip_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "base/printable.h"
#include "io/fd.h"
#include "io/file.h"
#include "io/process.h"
#include "io/scratch.h"

namespace packferry {
namespace {

constexpr std::size_t kSaidBytesMax = 4096;

Error libarchive_error(ErrorKind kind, archive* from) {
  const char* said = archive_error_string(from);
  return Error(kind, "zip: {}", printable(said != nullptr ? said : "unknown error", 300));
}

// A zip that is being written. Entries are stored: packs are compressed already. One whose length is not known yet is
// followed by its length (a data descriptor), and is a zip64 entry, since it may turn out to be large.
class ZipArchive {
 public:
  explicit ZipArchive(std::unique_ptr<Writer> to) : to_(std::move(to)), archive_(archive_write_new()) {
    CHECK(archive_ != nullptr);
    CHECK(archive_write_set_format_zip(archive_) == ARCHIVE_OK);
    CHECK(archive_write_zip_set_compression_store(archive_) == ARCHIVE_OK);
    CHECK(archive_write_set_options(archive_, "zip:hdrcharset=UTF-8") == ARCHIVE_OK);
    archive_write_set_bytes_per_block(archive_, 0);  // what is written goes on at once
  }
  ~ZipArchive() {
    // Freeing it ends the zip, which nobody shall see.
    if (!failure_) failure_ = Error(ErrorKind::Cancelled, "abandoned");
    archive_write_free(archive_);
  }
  ZipArchive(const ZipArchive&) = delete;
  ZipArchive& operator=(const ZipArchive&) = delete;

  Result<> open() { return outcome(archive_write_open(archive_, this, nullptr, &ZipArchive::write_on, nullptr)); }
  Result<> add_directory(const std::string& path) { return add_header(path + "/", AE_IFDIR, 0755, 0); }
  Result<> add_file(const std::string& path, std::string_view content) {
    TRY(begin_file(path, content.size()));
    return write(as_bytes(content));
  }
  Result<> begin_file(const std::string& path, std::optional<std::uint64_t> bytes) {
    return add_header(path, AE_IFREG, 0644, bytes);
  }
  Result<> write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const la_ssize_t count = archive_write_data(archive_, bytes.data(), bytes.size());
      TRY(outcome(count > 0 ? ARCHIVE_OK : ARCHIVE_FATAL));
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return {};
  }
  Result<> finish() {
    TRY(outcome(archive_write_close(archive_)));
    return to_->finish();
  }

 private:
  Result<> add_header(const std::string& path, unsigned type, unsigned mode, std::optional<std::uint64_t> bytes) {
    const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(), archive_entry_free);
    CHECK(entry != nullptr);
    archive_entry_set_pathname_utf8(entry.get(), path.c_str());
    archive_entry_set_filetype(entry.get(), type);
    archive_entry_set_perm(entry.get(), mode);
    if (bytes) archive_entry_set_size(entry.get(), static_cast<la_int64_t>(*bytes));
    return outcome(archive_write_header(archive_, entry.get()));
  }

  // libarchive is never told of a failure: after one it would not free what it has.
  static la_ssize_t write_on(archive*, void* self, const void* bytes, std::size_t count) {
    auto* zip = static_cast<ZipArchive*>(self);
    if (zip->failure_) return static_cast<la_ssize_t>(count);
    const Result<> written = zip->to_->write({static_cast<const std::byte*>(bytes), count});
    if (!written) zip->failure_ = written.error();
    return static_cast<la_ssize_t>(count);
  }

  Result<> outcome(int code) {
    if (failure_) return *failure_;
    if (code == ARCHIVE_OK) return {};
    return libarchive_error(ErrorKind::Invalid, archive_);
  }

  const std::unique_ptr<Writer> to_;
  archive* const archive_;
  std::optional<Error> failure_;  // of `to`; nothing is written to it any more
};

// `git index-pack` on a pack that comes piece by piece.
class Indexer {
 public:
  static Result<std::unique_ptr<Indexer>> start(ObjectFormat format, const ZipWriterOptions& options,
                                                std::stop_token stop) {
    auto indexer = std::make_unique<Indexer>();
    indexer->scratch_ = TRY(ScratchDirectory::make(options.scratch));
    const std::string repository = indexer->scratch_->path();
    const ProcessOutput made =
        TRY(run_process({.argv = {"git", "init", "--quiet", "--bare",
                                  "--template=", fmt::format("--object-format={}", to_string(format)), repository},
                         .environment = options.environment,
                         .directory = {}},
                        "", kSaidBytesMax, options.patience, stop));
    if (made.exit.code != 0) return failed(ErrorKind::Unsupported, "git init", made.exit.stderr_text);
    // What happens to the scratch directory when the power fails is of no interest.
    ProcessOptions index{.argv = {"git", "-C", repository, "-c", "core.fsync=none", "index-pack", "--stdin"},
                         .environment = options.environment,
                         .directory = {}};
    indexer->git_ = TRY(Process::start(std::move(index), options.patience, stop));
    return indexer;
  }

  Result<> write(std::span<const std::byte> bytes) {
    Result<> written = git_->channel().write(bytes);
    // Who hangs up has said why.
    if (!written && written.error().kind() == ErrorKind::Unavailable) TRY(check_exit());
    return written;
  }

  // The file with the index of the pack.
  Result<std::filesystem::path> finish() {
    git_->channel().close_write();
    const std::vector<std::byte> said = TRY(read_all(git_->channel(), kSaidBytesMax).context("git index-pack"));
    TRY(check_exit());
    std::string_view name = as_text(said);  // "pack\tOID\n"
    name = name.substr(name.find('\t') + 1);
    const Oid oid = TRY(Oid::parse(name.substr(0, name.find('\n'))).context("git index-pack"));
    return scratch_->path() / fmt::format("objects/pack/pack-{}.idx", oid.hex());
  }

 private:
  static Error failed(ErrorKind kind, std::string_view what, const std::string& said) {
    const bool is_full = said.find("No space left") != std::string::npos;
    return Error(is_full ? ErrorKind::Exhausted : kind, "{}: {}", what, printable(said, 300));
  }
  Result<> check_exit() {
    const ProcessExit exit = TRY(git_->wait());
    if (exit.code == 0) return {};
    return failed(ErrorKind::Corrupt, "git index-pack", exit.stderr_text);
  }

  std::unique_ptr<ScratchDirectory> scratch_;
  std::unique_ptr<Process> git_;  // before the directory is gone
};

std::string head_text(const Head& head) {
  if (!head.target && head.oid) return fmt::format("{}\n", head.oid->hex());
  return fmt::format("ref: {}\n", head.target ? head.target->text() : "refs/heads/main");
}

std::string config_text(ObjectFormat format) {
  const bool is_sha1 = format == ObjectFormat::Sha1;
  std::string text =
      fmt::format("[core]\n\trepositoryformatversion = {}\n\tfilemode = true\n\tbare = true\n", is_sha1 ? 0 : 1);
  if (!is_sha1) text += fmt::format("[extensions]\n\tobjectFormat = {}\n", to_string(format));
  return text;
}

// gitrepository-layout(5). Its first line does not say that everything was peeled: not every host peels for us, and
// what is not peeled here git peels by itself.
std::string packed_refs_text(const RefMap& refs) {
  std::string text = "# pack-refs with: sorted \n";
  for (const Ref& ref : refs) {
    text += fmt::format("{} {}\n", ref.oid.hex(), ref.name.text());
    if (ref.peeled) text += fmt::format("^{}\n", ref.peeled->hex());
  }
  return text;
}

// A pack's name is written before its bytes are known. git is content with any object name in it; this one is of the
// refs.
std::string pack_name(ObjectFormat format, std::string_view packed_refs) {
  return fmt::format("objects/pack/pack-{}", to_hex(digest_of(digest_algorithm(format), as_bytes(packed_refs))));
}

class ZipWriter final : public Writer {
 public:
  ZipWriter(const ZipContents& contents, ZipWriterOptions options, std::unique_ptr<Writer> to, std::stop_token stop)
      : folder_(fmt::format("{}.git/", contents.repository.last_part())),
        format_(contents.format),
        packed_refs_(packed_refs_text(contents.refs)),
        head_(head_text(contents.head)),
        options_(std::move(options)),
        stop_(std::move(stop)),
        zip_(std::move(to)) {}

  Result<> open() {
    TRY(zip_.open());
    for (const char* name : {"", "objects/", "objects/pack/", "refs/", "refs/heads/", "refs/tags/"}) {
      const std::string path = folder_ + name;
      TRY(zip_.add_directory(path.substr(0, path.size() - 1)));
    }
    TRY(zip_.add_file(folder_ + "HEAD", head_));
    TRY(zip_.add_file(folder_ + "config", config_text(format_)));
    return zip_.add_file(folder_ + "packed-refs", packed_refs_);
  }

  Result<> write(std::span<const std::byte> bytes) override {
    if (indexer_ == nullptr) {
      indexer_ = TRY(Indexer::start(format_, options_, stop_));
      TRY(zip_.begin_file(folder_ + pack_name(format_, packed_refs_) + ".pack", std::nullopt));
    }
    TRY(indexer_->write(bytes));
    return zip_.write(bytes);
  }

  Result<> finish() override {
    if (indexer_ != nullptr) {
      const std::filesystem::path index = TRY(indexer_->finish());
      TRY(add_index(index));
    }
    return zip_.finish();
  }

 private:
  Result<> add_index(const std::filesystem::path& index) {
    std::error_code failure;
    const std::uintmax_t bytes = std::filesystem::file_size(index, failure);
    if (failure) return errno_error(failure.value(), fmt::format("look at '{}'", index.native()));
    TRY(zip_.begin_file(folder_ + pack_name(format_, packed_refs_) + ".idx", bytes));
    const std::unique_ptr<Reader> from = TRY(open_file(index));
    const auto block = std::make_unique<std::byte[]>(kBlockBytes);
    while (const std::size_t count = TRY(from->read({block.get(), kBlockBytes}))) TRY(zip_.write({block.get(), count}));
    return {};
  }

  const std::string folder_;
  const ObjectFormat format_;
  const std::string packed_refs_;
  const std::string head_;
  const ZipWriterOptions options_;
  const std::stop_token stop_;
  ZipArchive zip_;
  std::unique_ptr<Indexer> indexer_;  // from the first byte on
};

bool is_pack(std::string_view path) {
  return path.find(".git/objects/pack/pack-") != std::string_view::npos && path.ends_with(".pack");
}

class PackInZip final : public Reader {
 public:
  explicit PackInZip(std::unique_ptr<Reader> from)
      : from_(std::move(from)), archive_(archive_read_new()), block_(std::make_unique<std::byte[]>(kBlockBytes)) {
    CHECK(archive_ != nullptr);
    CHECK(archive_read_support_format_zip_streamable(archive_) == ARCHIVE_OK);
  }
  ~PackInZip() override { archive_read_free(archive_); }

  Result<> open() {
    if (archive_read_open(archive_, this, nullptr, &PackInZip::read_on, nullptr) != ARCHIVE_OK) return failed();
    if (!TRY(find_pack())) return Error(ErrorKind::NotFound, "zip: it holds no pack");
    return {};
  }

  Result<std::size_t> read(std::span<std::byte> into) override {
    if (ended_) return std::size_t{0};
    const la_ssize_t count = archive_read_data(archive_, into.data(), into.size());
    if (count < 0) return failed();
    if (count > 0) return static_cast<std::size_t>(count);
    if (TRY(find_pack())) return Error(ErrorKind::Corrupt, "zip: it holds more than one pack");
    ended_ = true;
    return std::size_t{0};
  }

 private:
  // Goes to the next pack; false when there is none.
  Result<bool> find_pack() {
    archive_entry* entry = nullptr;
    int code = ARCHIVE_OK;
    while ((code = archive_read_next_header(archive_, &entry)) == ARCHIVE_OK) {
      const char* path = archive_entry_pathname_utf8(entry);
      if (path == nullptr) return Error(ErrorKind::Corrupt, "zip: a name that is not UTF-8");
      if (is_pack(path)) return true;
    }
    if (code == ARCHIVE_EOF) return false;
    return failed();
  }

  static la_ssize_t read_on(archive* from, void* self, const void** bytes) {
    auto* pack = static_cast<PackInZip*>(self);
    Result<std::size_t> count = pack->from_->read({pack->block_.get(), kBlockBytes});
    *bytes = pack->block_.get();
    if (count) return static_cast<la_ssize_t>(*count);
    pack->failure_ = count.error();
    archive_set_error(from, EIO, "the start of it");
    return -1;
  }

  Error failed() { return failure_ ? *failure_ : libarchive_error(ErrorKind::Corrupt, archive_); }

  const std::unique_ptr<Reader> from_;
  archive* const archive_;
  const std::unique_ptr<std::byte[]> block_;
  std::optional<Error> failure_;  // of `from`
  bool ended_ = false;
};

}  // namespace

Result<std::unique_ptr<Writer>> open_zip(const ZipContents& contents, ZipWriterOptions options,
                                         std::unique_ptr<Writer> to, std::stop_token stop) {
  auto writer = std::make_unique<ZipWriter>(contents, std::move(options), std::move(to), std::move(stop));
  TRY(writer->open());
  return writer;
}

Result<std::unique_ptr<Reader>> open_pack_in_zip(std::unique_ptr<Reader> zip) {
  auto pack = std::make_unique<PackInZip>(std::move(zip));
  TRY(pack->open());
  return pack;
}

}  // namespace packferry
