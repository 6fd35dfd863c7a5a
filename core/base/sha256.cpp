// SPDX-License-Identifier: Apache-2.0
#include "core/base/sha256.h"

#include "core/base/assert.h"
#include "core/base/mapped_file.h"

#include <openssl/evp.h>

namespace paretoscope::core {

namespace {
int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}
} // namespace

std::string Sha256Digest::hex() const
{
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    text.reserve(64);
    for (const std::uint8_t byte : bytes) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

Result<Sha256Digest> Sha256Digest::fromHex(std::string_view hex)
{
    Sha256Digest digest;
    bool valid = hex.size() == 64;
    for (std::size_t i = 0; valid && i < 32; ++i) {
        const int high = nibble(hex[2 * i]);
        const int low = nibble(hex[2 * i + 1]);
        valid = high >= 0 && low >= 0;
        digest.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    if (!valid)
        return Error {ErrorCode::InvalidArgument, "\"" + std::string(hex) + "\" is not a SHA-256 digest", "64 hexadecimal digits are needed"};
    return digest;
}

struct Sha256::State
{
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    State()
    {
        PSC_ASSERT(context && EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1, "OpenSSL offers SHA-256");
    }
    ~State() { EVP_MD_CTX_free(context); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
};

Sha256::Sha256() : m_state(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> data)
{
    EVP_DigestUpdate(m_state->context, data.data(), data.size());
}

void Sha256::update(std::string_view text)
{
    EVP_DigestUpdate(m_state->context, text.data(), text.size());
}

Sha256Digest Sha256::finish()
{
    Sha256Digest digest;
    unsigned length = 0;
    EVP_DigestFinal_ex(m_state->context, digest.bytes.data(), &length);
    return digest;
}

Sha256Digest sha256(std::string_view text)
{
    Sha256 hash;
    hash.update(text);
    return hash.finish();
}

Sha256Digest sha256(std::span<const std::byte> data)
{
    Sha256 hash;
    hash.update(data);
    return hash.finish();
}

Result<Sha256Digest> sha256OfFile(const std::filesystem::path& path)
{
    PSC_ASSIGN(const MappedFile file, MappedFile::open(path));
    return sha256(file.bytes());
}

} // namespace paretoscope::core
