// One link of a chain, out of the store and into a repository: read once, checked as it passes.
#pragma once

#include <memory>
#include <stop_token>

#include "backup/age.h"
#include "backup/manifest.h"
#include "engine/bare_repository.h"
#include "store/object_store.h"

namespace packferry {

// The bytes of a data object as they lie in the store. The last of them are handed out only when length and SHA-256 are
// those of the manifest; else it is Corrupt. Errors name the key.
Result<std::unique_ptr<Reader>> open_link(ObjectStore& store, const DataObject& link, std::stop_token stop);

// Reads it to its end, for nothing but the check. How many bytes that were.
Result<std::uint64_t> check_link(ObjectStore& store, const DataObject& link, std::stop_token stop);

// Where a link is to go.
struct LinkPlace {
  const BareRepository& repository;  // holds the links before it
  ObjectFormat format = ObjectFormat::Sha1;
  const RefMap* refs = nullptr;  // of the snapshot that the link was made for, where they are known
};
// Corrupt: damaged, not what its line in the manifest says, or not fit for what is there. Denied: encrypted, and no
// identity opens it. After an Error the repository is not to be used.
Result<> add_link(ObjectStore& store, const DataObject& link, const LinkPlace& place,
                  const std::vector<AgeIdentity>& identities, const PumpProgress& progress, std::stop_token stop);

// The same bytes, decrypted, into `to`, which is finished when all of them are what they should be.
Result<> copy_link(ObjectStore& store, const DataObject& link, const std::vector<AgeIdentity>& identities, Writer& to,
                   std::stop_token stop);

}  // namespace packferry
