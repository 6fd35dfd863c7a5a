// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <array>
#include <compare>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace paretoscope::core {

/// A SHA-256 digest.
struct Sha256Digest
{
    std::array<std::uint8_t, 32> bytes {};
    auto operator<=>(const Sha256Digest&) const = default;

    std::string hex() const; ///< 64 lower-case hexadecimal digits
    static Result<Sha256Digest> fromHex(std::string_view hex);
};

/// Incremental SHA-256.
class Sha256
{
public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;

    void update(std::span<const std::byte> data);
    void update(std::string_view text);
    Sha256Digest finish();

private:
    struct State;
    std::unique_ptr<State> m_state;
};

Sha256Digest sha256(std::string_view text);
Sha256Digest sha256(std::span<const std::byte> data);
/// Errors: NotFound, Io.
Result<Sha256Digest> sha256OfFile(const std::filesystem::path& path);

} // namespace paretoscope::core
