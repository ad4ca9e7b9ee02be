// A store in a directory: the key "a/b" is the file a/b below it. What is unfinished has a hidden name in the directory
// itself and is never listed; finishing syncs the file, gives it its name without ever replacing another, and syncs
// every folder on the way. Folders are made as they are needed and go when they become empty.
//
// No key leaves the directory, whatever lies in it: folders are opened one by one, and a symbolic link below the root
// is followed by nothing here. It is Invalid where a key or a listing meets it, since what it hides might be missed.
// The root itself may be reached over links. Files are made for their owner alone (0600, folders 0700).
#pragma once

#include <filesystem>

#include "io/fd.h"
#include "store/object_store.h"

namespace packferry {

class FileStore final : public ObjectStore {
 public:
  enum class IfMissing { Fail, Make };
  // NotFound when there is no such directory and it is not to be made. The clock, which tells old from new in sweep(),
  // outlives the store.
  static Result<std::unique_ptr<FileStore>> open(const std::filesystem::path& root, IfMissing if_missing,
                                                 const Clock& clock);

  std::string name() const override { return name_; }
  Result<std::unique_ptr<Writer>> create(std::string_view key, std::stop_token stop) override;
  Result<> put_if_absent(std::string_view key, std::span<const std::byte> bytes, std::stop_token stop) override;
  Result<std::unique_ptr<Reader>> open(std::string_view key, std::uint64_t offset, std::stop_token stop) override;
  Result<std::optional<ObjectInfo>> find(std::string_view key, std::stop_token stop) override;
  // A file whose path cannot be a key is no object, and neither is what is no file.
  Result<std::vector<ObjectInfo>> list(std::string_view prefix, std::stop_token stop) override;
  Result<> remove(std::string_view key, std::stop_token stop) override;
  // A writer that is slower than `age` from one write to the next loses its file too, and says so when it finishes.
  Result<std::size_t> sweep(Milliseconds age, std::stop_token stop) override;

 private:
  class ObjectWriter;
  struct Way;
  struct Found;

  FileStore(std::string name, Fd root, const Clock& clock)
      : name_(std::move(name)), root_(std::move(root)), clock_(clock) {}

  std::string doing(std::string_view what, std::string_view key) const;
  Result<Way> way_to(std::string_view key, IfMissing if_missing) const;
  Result<std::optional<Found>> look_for(std::string_view key) const;
  Error is_link(std::string_view what, std::string_view key, std::string_view link) const;
  Result<> publish(const std::string& temporary, std::string_view key) const;
  Result<> sync(const Way& way, std::string_view key) const;
  static void remove_empty_folders(const Way& way);
  Result<> list_folder(const std::string& folder, std::string_view prefix, std::vector<ObjectInfo>& objects,
                       std::vector<std::string>& folders) const;

  const std::string name_;
  const Fd root_;
  const Clock& clock_;
};

}  // namespace packferry
