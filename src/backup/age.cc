#include "backup/age.h"

#include <sodium.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/printable.h"
#include "io/fd.h"
#include "io/private_file.h"

namespace packferry {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kFileKeyBytes = 16;
constexpr std::size_t kTagBytes = crypto_aead_chacha20poly1305_ietf_ABYTES;
constexpr std::size_t kPayloadNonceBytes = 16;
constexpr std::size_t kChunkBytes = 64 * 1024;
constexpr std::size_t kSealedChunkBytes = kChunkBytes + kTagBytes;

constexpr std::string_view kTitle = "age-encryption.org/v1";
constexpr std::string_view kStanza = "-> ";
constexpr std::string_view kX25519 = "X25519 ";
constexpr std::string_view kMac = "---";
constexpr std::size_t kBodyColumns = 64;
constexpr std::size_t kHeaderBytesMax = 1024 * 1024;  // ten thousand recipients
constexpr std::size_t kIdentityFileBytesMax = 64 * 1024;

using Bytes = std::span<const std::byte>;

// As libsodium wants bytes.
const unsigned char* in(Bytes bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }
unsigned char* out(std::span<std::byte> bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

// Bytes that are wiped when they go.
template <std::size_t kCount>
struct Secret {
  std::array<std::byte, kCount> bytes{};

  Secret() = default;
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  ~Secret() { sodium_memzero(bytes.data(), bytes.size()); }
};

template <std::size_t kCount>
std::array<std::byte, kCount> random_bytes() {
  std::array<std::byte, kCount> bytes;
  CHECK(sodium_init() >= 0);
  randombytes_buf(bytes.data(), bytes.size());
  return bytes;
}

Secret<kKeyBytes> hmac(Bytes key, Bytes message) {
  crypto_auth_hmacsha256_state state;
  Secret<kKeyBytes> mac;
  crypto_auth_hmacsha256_init(&state, in(key), key.size());
  crypto_auth_hmacsha256_update(&state, in(message), message.size());
  crypto_auth_hmacsha256_final(&state, out(mac.bytes));
  sodium_memzero(&state, sizeof state);
  return mac;
}

// HKDF-SHA256 (RFC 5869), one block of it.
constexpr std::array<std::byte, kKeyBytes> kNoSalt{};
Secret<kKeyBytes> hkdf(Bytes secret, Bytes salt, std::string_view info) {
  const Secret<kKeyBytes> extracted = hmac(salt, secret);
  return hmac(extracted.bytes, as_bytes(std::string(info) + '\1'));
}

// Bech32 (BIP 173) of 32 bytes: a prefix, 52 digits of 5 bits, 6 of a checksum.
struct Bech32 {
  std::string_view prefix;  // as written, with the '1' that ends it
  std::string_view human;   // what the checksum knows of it
  std::string_view digits;
};
constexpr Bech32 kRecipientText = {"age1", "age", "qpzry9x8gf2tvdw0s3jn54khce6mua7l"};
constexpr Bech32 kIdentityText = {"AGE-SECRET-KEY-1", "age-secret-key-", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"};
constexpr std::size_t kDataDigits = 52;
constexpr std::size_t kChecksumDigits = 6;
using Digits = Secret<kDataDigits + kChecksumDigits>;

std::uint32_t checksum_step(std::uint32_t checksum, unsigned value) {
  constexpr std::uint32_t kGenerator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
  const std::uint32_t top = checksum >> 25;
  checksum = (checksum & 0x1ffffff) << 5 ^ value;
  for (unsigned i = 0; i < 5; ++i)
    if ((top >> i & 1) != 0) checksum ^= kGenerator[i];
  return checksum;
}

// Of the human part and all digits: 1 when the last six are the checksum.
std::uint32_t checksum_of(std::string_view human, const Digits& digits) {
  std::uint32_t checksum = 1;
  for (const char c : human) checksum = checksum_step(checksum, static_cast<unsigned char>(c) >> 5);
  checksum = checksum_step(checksum, 0);
  for (const char c : human) checksum = checksum_step(checksum, static_cast<unsigned char>(c) & 31);
  for (const std::byte digit : digits.bytes) checksum = checksum_step(checksum, std::to_integer<unsigned>(digit));
  return checksum;
}

std::string encode(const Bech32& kind, std::span<const std::byte, kKeyBytes> key) {
  Digits digits;
  for (std::size_t bit = 0; bit < 8 * key.size(); ++bit) {
    const unsigned value = std::to_integer<unsigned>(key[bit / 8]) >> (7 - bit % 8) & 1;
    digits.bytes[bit / 5] |= static_cast<std::byte>(value << (4 - bit % 5));
  }
  const std::uint32_t checksum = checksum_of(kind.human, digits) ^ 1;
  for (std::size_t i = 0; i < kChecksumDigits; ++i)
    digits.bytes[kDataDigits + i] = static_cast<std::byte>(checksum >> 5 * (kChecksumDigits - 1 - i) & 31);
  std::string text(kind.prefix);
  for (const std::byte digit : digits.bytes) text += kind.digits[std::to_integer<std::size_t>(digit)];
  return text;
}

bool decode(const Bech32& kind, std::string_view text, std::span<std::byte, kKeyBytes> key) {
  Digits digits;
  if (!text.starts_with(kind.prefix)) return false;
  text.remove_prefix(kind.prefix.size());
  if (text.size() != digits.bytes.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t value = kind.digits.find(text[i]);
    if (value == std::string_view::npos) return false;
    digits.bytes[i] = static_cast<std::byte>(value);
  }
  // 52 digits have four bits more than 32 bytes.
  if (checksum_of(kind.human, digits) != 1) return false;
  if ((digits.bytes[kDataDigits - 1] & std::byte{0x0f}) != std::byte{0}) return false;
  for (std::size_t bit = 0; bit < 8 * key.size(); ++bit) {
    const unsigned value = std::to_integer<unsigned>(digits.bytes[bit / 5]) >> (4 - bit % 5) & 1;
    key[bit / 8] |= static_cast<std::byte>(value << (7 - bit % 8));
  }
  return true;
}

constexpr int kBase64 = sodium_base64_VARIANT_ORIGINAL_NO_PADDING;

std::string to_base64(Bytes bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), kBase64), '\0');
  sodium_bin2base64(text.data(), text.size(), in(bytes), bytes.size(), kBase64);
  text.pop_back();  // the NUL
  return text;
}

// Of exactly this many bytes, in their one spelling. libsodium 1.0.18 takes any byte above 0x7F for a '/'.
template <std::size_t kCount>
std::optional<std::array<std::byte, kCount>> from_base64(std::string_view text) {
  std::array<std::byte, kCount> bytes;
  std::size_t count = 0;
  if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) > 0x7F; }))
    return std::nullopt;
  if (sodium_base642bin(out(bytes), kCount, text.data(), text.size(), nullptr, &count, nullptr, kBase64) != 0 ||
      count != kCount)
    return std::nullopt;
  return bytes;
}

using FileKey = Secret<kFileKeyBytes>;
using WrappedKey = std::array<std::byte, kFileKeyBytes + kTagBytes>;
using PublicKey = std::array<std::byte, kKeyBytes>;
constexpr unsigned char kZeroNonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES] = {};

// The key that wraps the file key: of both public keys, and of what only the holder of either secret one can compute.
// Nothing for a public key that leaves no choice of the result.
std::optional<Secret<kKeyBytes>> wrapping_key(Bytes own_secret, Bytes their_public, const PublicKey& share,
                                              const PublicKey& recipient) {
  Secret<kKeyBytes> shared;
  if (crypto_scalarmult(out(shared.bytes), in(own_secret), in(their_public)) != 0) return std::nullopt;
  std::array<std::byte, 2 * kKeyBytes> salt;
  std::copy(recipient.begin(), recipient.end(), std::copy(share.begin(), share.end(), salt.begin()));
  return hkdf(shared.bytes, salt, "age-encryption.org/v1/X25519");
}

PublicKey public_key(const std::array<std::byte, kKeyBytes>& secret) {
  PublicKey key;
  CHECK(crypto_scalarmult_base(out(key), in(secret)) == 0);
  return key;
}

Result<std::string> stanza_for(const PublicKey& recipient, const FileKey& file_key) {
  Secret<kKeyBytes> ephemeral;
  ephemeral.bytes = random_bytes<kKeyBytes>();
  const PublicKey share = public_key(ephemeral.bytes);
  const auto key = wrapping_key(ephemeral.bytes, recipient, share, recipient);
  if (!key) return Error(ErrorKind::Invalid, "its key is of low order");
  WrappedKey wrapped;
  crypto_aead_chacha20poly1305_ietf_encrypt(out(wrapped), nullptr, in(file_key.bytes), kFileKeyBytes, nullptr, 0,
                                            nullptr, kZeroNonce, in(key->bytes));
  return fmt::format("{}{}{}\n{}\n", kStanza, kX25519, to_base64(share), to_base64(wrapped));
}

// A recipient stanza of the one type that we know.
struct Stanza {
  PublicKey share;
  WrappedKey wrapped;
};

std::optional<FileKey> unwrap(const Stanza& stanza, const std::array<std::byte, kKeyBytes>& identity) {
  const auto key = wrapping_key(identity, stanza.share, stanza.share, public_key(identity));
  FileKey file_key;
  if (!key ||
      crypto_aead_chacha20poly1305_ietf_decrypt(out(file_key.bytes), nullptr, nullptr, in(stanza.wrapped),
                                                stanza.wrapped.size(), nullptr, 0, kZeroNonce, in(key->bytes)) != 0)
    return std::nullopt;
  return file_key;
}

// `header` ends with "---".
Secret<kKeyBytes> mac_of(std::string_view header, const FileKey& file_key) {
  return hmac(hkdf(file_key.bytes, kNoSalt, "header").bytes, as_bytes(header));
}

// STREAM: chunks that know their number, and the last one that it is the last.
class ChunkCipher {
 public:
  ChunkCipher(const FileKey& file_key, Bytes nonce) : key_(hkdf(file_key.bytes, nonce, "payload")) {}

  bool is_first() const { return chunk_ == 0; }
  // Into `sealed`, which has kTagBytes more.
  void seal(Bytes plain, bool is_last, std::span<std::byte> sealed) {
    crypto_aead_chacha20poly1305_ietf_encrypt(out(sealed), nullptr, in(plain), plain.size(), nullptr, 0, nullptr,
                                              in(next_nonce(is_last)), in(key_.bytes));
  }
  bool open(Bytes sealed, bool is_last, std::span<std::byte> plain) {
    return crypto_aead_chacha20poly1305_ietf_decrypt(out(plain), nullptr, nullptr, in(sealed), sealed.size(), nullptr,
                                                     0, in(next_nonce(is_last)), in(key_.bytes)) == 0;
  }

 private:
  static constexpr std::size_t kNonceBytes = crypto_aead_chacha20poly1305_ietf_NPUBBYTES;

  // Eleven bytes of the chunk's number, and one that says whether it is the last.
  Bytes next_nonce(bool is_last) {
    for (std::size_t i = 0; i < sizeof chunk_; ++i)
      nonce_[kNonceBytes - 2 - i] = static_cast<std::byte>(chunk_ >> 8 * i & 0xff);
    nonce_[kNonceBytes - 1] = is_last ? std::byte{1} : std::byte{0};
    ++chunk_;
    return nonce_;
  }

  const Secret<kKeyBytes> key_;
  std::array<std::byte, kNonceBytes> nonce_{};
  std::uint64_t chunk_ = 0;
};

class AgeWriter final : public Writer {
 public:
  AgeWriter(std::unique_ptr<Writer> to, const FileKey& file_key, Bytes nonce)
      : to_(std::move(to)), cipher_(file_key, nonce), plain_(kChunkBytes), sealed_(kSealedChunkBytes) {}

  Result<> write(std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      // A full chunk waits for more: it may be the last.
      if (held_ == kChunkBytes) TRY(seal(false));
      const std::size_t count = std::min(bytes.size(), kChunkBytes - held_);
      std::copy_n(bytes.begin(), count, plain_.begin() + static_cast<std::ptrdiff_t>(held_));
      held_ += count;
      bytes = bytes.subspan(count);
    }
    return {};
  }

  Result<> finish() override {
    TRY(seal(true));
    return to_->finish();
  }

 private:
  Result<> seal(bool is_last) {
    const auto sealed = std::span(sealed_).first(held_ + kTagBytes);
    cipher_.seal(Bytes(plain_).first(held_), is_last, sealed);
    held_ = 0;
    return to_->write(sealed);
  }

  const std::unique_ptr<Writer> to_;
  ChunkCipher cipher_;
  std::vector<std::byte> plain_;
  std::vector<std::byte> sealed_;
  std::size_t held_ = 0;
};

// As much as there is, up to all of `into`.
Result<std::size_t> read_up_to(Reader& from, std::span<std::byte> into) {
  std::size_t total = 0;
  while (total < into.size()) {
    const std::size_t count = TRY(from.read(into.subspan(total)));
    if (count == 0) break;
    total += count;
  }
  return total;
}

class AgeReader final : public Reader {
 public:
  AgeReader(std::unique_ptr<Reader> from, const FileKey& file_key, Bytes nonce)
      : from_(std::move(from)), cipher_(file_key, nonce), sealed_(kSealedChunkBytes + 1), plain_(kChunkBytes) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    while (left_.empty() && !ended_) TRY(open_chunk());
    const std::size_t count = std::min(into.size(), left_.size());
    std::copy_n(left_.begin(), count, into.begin());
    left_ = left_.subspan(count);
    return count;
  }

 private:
  // One byte further than the chunk goes: so the last one is known.
  Result<> open_chunk() {
    const std::size_t there = ahead_ + TRY(read_up_to(*from_, std::span(sealed_).subspan(ahead_)));
    ended_ = there < sealed_.size();
    const std::size_t bytes = ended_ ? there : kSealedChunkBytes;
    if (bytes < kTagBytes || (bytes == kTagBytes && !cipher_.is_first()))
      return Error(ErrorKind::Corrupt, "an encrypted object ends early");
    const auto plain = std::span(plain_).first(bytes - kTagBytes);
    if (!cipher_.open(Bytes(sealed_).first(bytes), ended_, plain))
      return Error(ErrorKind::Corrupt, "an encrypted object was changed, or ends early");
    left_ = plain;
    sealed_.front() = sealed_.back();
    ahead_ = 1;
    return {};
  }

  const std::unique_ptr<Reader> from_;
  ChunkCipher cipher_;
  std::vector<std::byte> sealed_;
  std::size_t ahead_ = 0;  // of the next chunk, at the front of sealed_
  std::vector<std::byte> plain_;
  Bytes left_;
  bool ended_ = false;
};

struct Header {
  std::vector<Stanza> stanzas;  // X25519
  std::string text;             // up to "---"
  std::array<std::byte, kKeyBytes> mac{};
};

// The lines of the header, and not a byte of what follows: byte by byte, since there are few.
class HeaderReader {
 public:
  explicit HeaderReader(Reader& from) : from_(from) {}

  Result<Header> read() {
    if (TRY(next()) != kTitle) return corrupt("it does not begin as age does");
    while (TRY(next()).starts_with(kStanza)) {
      const std::string words = line_.substr(kStanza.size());
      const std::string body = TRY(read_body());
      if (words.starts_with(kX25519))
        header_.stanzas.push_back(TRY(parse_stanza(std::string_view(words).substr(kX25519.size()), body)));
    }
    if (!line_.starts_with(kMac) || line_.substr(kMac.size(), 1) != " ") return corrupt("a line of unknown kind");
    const auto mac = from_base64<kKeyBytes>(line_.substr(kMac.size() + 1));
    if (!mac) return corrupt("a MAC that is none");
    header_.mac = *mac;
    header_.text.resize(header_.text.size() - line_.size() - 1 + kMac.size());
    return std::move(header_);
  }

 private:
  static Error corrupt(std::string_view what) {
    return Error(ErrorKind::Corrupt, "the header of an encrypted object: {}", what);
  }

  Result<std::string_view> next() {
    line_.clear();
    for (char c = '\0'; true; line_ += c) {
      const std::span<char> one(&c, 1);
      if (TRY(from_.read(std::as_writable_bytes(one))) == 0) return corrupt("it ends early");
      header_.text += c;
      if (header_.text.size() > kHeaderBytesMax) return corrupt("it does not end");
      if (c == '\n') return line_;
    }
  }

  // Base64 in lines of 64; a shorter one, perhaps an empty one, is the last.
  Result<std::string> read_body() {
    std::string body;
    do {
      body += TRY(next());
      if (line_.size() > kBodyColumns) return corrupt("a line that is too long");
    } while (line_.size() == kBodyColumns);
    return body;
  }

  static Result<Stanza> parse_stanza(std::string_view share_text, std::string_view body) {
    const auto share = from_base64<kKeyBytes>(share_text);
    const auto wrapped = from_base64<std::tuple_size_v<WrappedKey>>(body);
    if (!share || !wrapped) return corrupt("an X25519 recipient that is none");
    return Stanza{*share, *wrapped};
  }

  Reader& from_;
  std::string line_;
  Header header_;
};

}  // namespace

Result<AgeRecipient> AgeRecipient::parse(std::string_view text) {
  AgeRecipient recipient;
  if (!decode(kRecipientText, text, recipient.key_))
    return Error(ErrorKind::Invalid, "'{}' is no recipient of age (\"age1…\")", printable(text, 100));
  recipient.text_ = text;
  return recipient;
}

AgeIdentity::~AgeIdentity() { sodium_memzero(key_.data(), key_.size()); }

Result<AgeIdentity> AgeIdentity::parse(std::string_view text) {
  AgeIdentity identity;
  if (!decode(kIdentityText, text, identity.key_))
    return Error(ErrorKind::Invalid, "this is no identity of age (\"AGE-SECRET-KEY-1…\")");
  return identity;
}

Result<std::vector<AgeIdentity>> AgeIdentity::read_file(const std::string& path) {
  const std::string doing = fmt::format("the identity file '{}'", path);
  const Fd fd = TRY(open_private_file(path).context("the identity file"));
  const auto content = std::make_unique<Secret<kIdentityFileBytesMax + 1>>();
  std::size_t bytes = 0;
  for (std::size_t count = 1; count > 0 && bytes < content->bytes.size(); bytes += count)
    count = TRY(read_some(fd.get(), std::span(content->bytes).subspan(bytes), doing));
  if (bytes > kIdentityFileBytesMax) return Error(ErrorKind::Invalid, "'{}' is too long for an identity file", path);

  std::vector<AgeIdentity> identities;
  std::string_view text = as_text(Bytes(content->bytes).first(bytes));
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    identities.push_back(TRY(parse(line).context("'{}', line {}", path, number)));
  }
  if (identities.empty()) return Error(ErrorKind::Invalid, "'{}' holds no identity", path);
  return identities;
}

AgeRecipient AgeIdentity::recipient() const {
  AgeRecipient recipient;
  recipient.key_ = public_key(key_);
  recipient.text_ = encode(kRecipientText, recipient.key_);
  return recipient;
}

Result<std::unique_ptr<Writer>> open_age_writer(const std::vector<AgeRecipient>& recipients,
                                                std::unique_ptr<Writer> to) {
  CHECK(!recipients.empty());
  FileKey file_key;
  file_key.bytes = random_bytes<kFileKeyBytes>();
  std::string header = fmt::format("{}\n", kTitle);
  for (const AgeRecipient& recipient : recipients)
    header += TRY(stanza_for(recipient.key_, file_key).context("encrypt for '{}'", recipient.text()));
  header += kMac;
  header += fmt::format(" {}\n", to_base64(mac_of(header, file_key).bytes));

  const auto nonce = random_bytes<kPayloadNonceBytes>();
  TRY(to->write(as_bytes(header)));
  TRY(to->write(nonce));
  return std::make_unique<AgeWriter>(std::move(to), file_key, nonce);
}

Result<std::unique_ptr<Reader>> open_age_reader(const std::vector<AgeIdentity>& identities,
                                                std::unique_ptr<Reader> from) {
  const Header header = TRY(HeaderReader(*from).read());
  std::optional<FileKey> file_key;
  for (const Stanza& stanza : header.stanzas)
    for (const AgeIdentity& identity : identities)
      if (!file_key) file_key = unwrap(stanza, identity.key_);
  if (!file_key)
    return Error(ErrorKind::Denied, "encrypted for {} X25519 recipients, none of them one of the {} identities given",
                 header.stanzas.size(), identities.size());

  const Secret<kKeyBytes> mac = mac_of(header.text, *file_key);
  if (sodium_memcmp(mac.bytes.data(), header.mac.data(), kKeyBytes) != 0)
    return Error(ErrorKind::Corrupt, "the header of an encrypted object was changed");
  std::array<std::byte, kPayloadNonceBytes> nonce;
  if (TRY(read_up_to(*from, nonce)) < nonce.size()) return Error(ErrorKind::Corrupt, "an encrypted object ends early");
  return std::make_unique<AgeReader>(std::move(from), *file_key, nonce);
}

}  // namespace packferry
