// A bundle on its way into a store: the header when it is opened, then the pack as it comes. docs/formats/backup.md,
// "Data".
#pragma once

#include <memory>

#include "git/bundle.h"
#include "io/stream.h"

namespace packferry {

// `to`, with the header written to it: what is written afterwards is the pack.
Result<std::unique_ptr<Writer>> open_bundle(const BundleHeader& header, std::unique_ptr<Writer> to);

}  // namespace packferry
