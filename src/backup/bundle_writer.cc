#include "backup/bundle_writer.h"

namespace packferry {

// After its header a bundle is its pack: there is nothing left to do but to get out of the way.
Result<std::unique_ptr<Writer>> open_bundle(const BundleHeader& header, std::unique_ptr<Writer> to) {
  TRY(to->write(as_bytes(to_text(header))));
  return to;
}

}  // namespace packferry
