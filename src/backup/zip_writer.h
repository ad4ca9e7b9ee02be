// A bare repository as a zip, on its way into a store. The pack goes into the zip as it comes and, at the same time,
// into a scratch directory, where `git index-pack` makes its index: an index wants the whole pack. The scratch
// directory needs as much room as the pack and its index, and is gone afterwards, whatever happens.
// docs/formats/backup.md, "Data".
#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "backup/repository_name.h"
#include "git/ref.h"
#include "io/pace.h"
#include "io/stream.h"

namespace packferry {

struct ZipContents {
  RepositoryName repository;
  ObjectFormat format = ObjectFormat::Sha1;
  Head head = {};  // where the host did not say: refs/heads/main
  RefMap refs = {};
};

struct ZipWriterOptions {
  std::filesystem::path scratch = {};         // empty: usual_scratch_place()
  std::vector<std::string> environment = {};  // what git runs with
  Patience patience = {};
};

// What is written to it is the pack, complete (not thin); nothing at all for a repository without objects. Corrupt: git
// cannot index it. Exhausted: no room in the scratch directory.
Result<std::unique_ptr<Writer>> open_zip(const ZipContents& contents, ZipWriterOptions options,
                                         std::unique_ptr<Writer> to, std::stop_token stop);

// The pack inside of such a zip, without unpacking the rest: found from the front, since a Reader does not go back.
// Where it ends, the zip says behind it; a pack that was made to look as if it ended earlier is cut there, which shows
// in its trailer or its count of objects. Corrupt: not such a zip, or more than one pack. NotFound: it holds no pack.
Result<std::unique_ptr<Reader>> open_pack_in_zip(std::unique_ptr<Reader> zip);

}  // namespace packferry
