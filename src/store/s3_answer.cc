#include "store/s3_answer.h"

#include <algorithm>
#include <charconv>
#include <pugixml.hpp>

#include "base/printable.h"
#include "net/url.h"

namespace packferry {
namespace {

Error corrupt(std::string_view what) { return Error(ErrorKind::Corrupt, "answers with {}", what); }

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

// The root element of this name, without regard to its namespace: servers differ in theirs.
pugi::xml_node root(pugi::xml_document& document, std::string_view body, const char* name) {
  const pugi::xml_parse_result parsed = document.load_buffer(body.data(), body.size());
  return parsed ? document.child(name) : pugi::xml_node();
}

// encoding-type=url: as in a form, with '+' for a space.
Result<std::string> decoded_key(const pugi::xml_node& node, const char* name, bool is_encoded) {
  std::string text = node.child_value(name);
  if (!is_encoded) return text;
  std::replace(text.begin(), text.end(), '+', ' ');
  std::optional<std::string> decoded = percent_decode(text);
  if (!decoded) return corrupt("a key that is not encoded as we asked");
  return *std::move(decoded);
}

// "2026-11-22T13:45:00.000Z": some servers tell fractions of a second.
std::optional<Clock::WallTime> time_of(std::string_view text) {
  const std::size_t point = text.find('.');
  return point == std::string_view::npos ? from_iso8601(text) : from_iso8601(std::string(text.substr(0, point)) + "Z");
}

bool is_url_encoded(const pugi::xml_node& listing) {
  return std::string_view(listing.child_value("EncodingType")) == "url";
}

Result<bool> is_truncated(const pugi::xml_node& listing) {
  const std::string_view text = listing.child_value("IsTruncated");
  if (text != "true" && text != "false") return corrupt("a listing that does not say whether it is complete");
  return text == "true";
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
}

}  // namespace

std::optional<S3Failure> parse_s3_failure(std::string_view body) {
  pugi::xml_document document;
  const pugi::xml_node error = root(document, body, "Error");
  if (!error || *error.child_value("Code") == '\0') return std::nullopt;
  return S3Failure{.code = printable(error.child_value("Code"), 100),
                   .message = printable(error.child_value("Message"), 300),
                   .region = error.child_value("Region"),
                   .request_id = printable(error.child_value("RequestId"), 100)};
}

Result<S3ObjectPage> parse_s3_objects(std::string_view body) {
  pugi::xml_document document;
  const pugi::xml_node listing = root(document, body, "ListBucketResult");
  if (!listing) return corrupt("something else than a listing");
  S3ObjectPage page;
  for (const pugi::xml_node node : listing.children("Contents")) {
    ObjectInfo object;
    object.key = TRY(decoded_key(node, "Key", is_url_encoded(listing)));
    const std::string_view bytes = node.child_value("Size");
    const auto [end, error] = std::from_chars(bytes.data(), bytes.data() + bytes.size(), object.bytes);
    if (bytes.empty() || error != std::errc() || end != bytes.data() + bytes.size())
      return corrupt("a listing with a length that is no number");
    object.modified_at = time_of(node.child_value("LastModified"));
    page.objects.push_back(std::move(object));
  }
  if (!TRY(is_truncated(listing))) return page;
  page.next_token = listing.child_value("NextContinuationToken");
  if (page.next_token.empty() || has_control(page.next_token))
    return corrupt("a listing that goes on but does not say where");
  return page;
}

Result<S3UploadPage> parse_s3_uploads(std::string_view body) {
  pugi::xml_document document;
  const pugi::xml_node listing = root(document, body, "ListMultipartUploadsResult");
  if (!listing) return corrupt("something else than a listing of uploads");
  const bool is_encoded = is_url_encoded(listing);
  S3UploadPage page;
  for (const pugi::xml_node node : listing.children("Upload")) {
    S3UploadPage::Upload upload;
    upload.key = TRY(decoded_key(node, "Key", is_encoded));
    upload.id = node.child_value("UploadId");
    const std::optional<Clock::WallTime> initiated_at = time_of(node.child_value("Initiated"));
    if (upload.id.empty() || has_control(upload.id) || !initiated_at)
      return corrupt("an upload without its id or its time");
    upload.initiated_at = *initiated_at;
    page.uploads.push_back(std::move(upload));
  }
  if (!TRY(is_truncated(listing))) return page;
  page.next_key_marker = TRY(decoded_key(listing, "NextKeyMarker", is_encoded));
  page.next_id_marker = listing.child_value("NextUploadIdMarker");
  if (page.next_key_marker.empty() || has_control(page.next_key_marker) || has_control(page.next_id_marker))
    return corrupt("a listing of uploads that goes on but does not say where");
  return page;
}

Result<std::string> parse_s3_upload_id(std::string_view body) {
  pugi::xml_document document;
  std::string id = root(document, body, "InitiateMultipartUploadResult").child_value("UploadId");
  if (id.empty() || has_control(id)) return corrupt("no id for an upload");
  return id;
}

Result<bool> parse_s3_completion(std::string_view body) {
  if (parse_s3_failure(body)) return false;
  pugi::xml_document document;
  if (root(document, body, "CompleteMultipartUploadResult")) return true;
  return Error(ErrorKind::Unavailable, "does not say whether the upload was completed");
}

Result<std::string> parse_s3_versioning(std::string_view body) {
  pugi::xml_document document;
  const pugi::xml_node versioning = root(document, body, "VersioningConfiguration");
  if (!versioning) return corrupt("something else than whether there are versions");
  const std::string_view status = versioning.child_value("Status");
  if (status == "Enabled") return std::string("enabled");
  return std::string(status == "Suspended" ? "suspended" : "off");
}

Result<std::string> parse_s3_object_lock(std::string_view body) {
  pugi::xml_document document;
  const pugi::xml_node lock = root(document, body, "ObjectLockConfiguration");
  if (!lock) return corrupt("something else than a configuration of Object Lock");
  const pugi::xml_node retention = lock.child("Rule").child("DefaultRetention");
  if (!retention) return std::string("no default");
  const bool in_years = retention.child("Years");
  return fmt::format("{} for {} {}", printable(retention.child_value("Mode"), 20),
                     printable(retention.child_value(in_years ? "Years" : "Days"), 20), in_years ? "years" : "days");
}

std::string s3_completion_body(const std::vector<S3Part>& parts) {
  std::string out = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (std::size_t i = 0; i < parts.size(); ++i) {
    out += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>", i + 1);
    append_escaped(out, parts[i].etag);
    out += "</ETag>";
    if (!parts[i].sha256.empty()) out += fmt::format("<ChecksumSHA256>{}</ChecksumSHA256>", parts[i].sha256);
    out += "</Part>";
  }
  return out + "</CompleteMultipartUpload>";
}

}  // namespace packferry
