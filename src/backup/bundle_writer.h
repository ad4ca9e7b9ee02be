// A bundle on its way into a store: the header when it is opened, then the pack as it comes. docs/formats/backup.md,
// "Data".
#pragma once

#include <memory>

#include "git/bundle.h"
#include "io/stream.h"

namespace packferry {

// Writes the header at once. What is written to it afterwards is the pack; finish() finishes `to`.
Result<std::unique_ptr<Writer>> open_bundle(const BundleHeader& header, std::unique_ptr<Writer> to);

}  // namespace packferry
