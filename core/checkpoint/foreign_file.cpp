// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/foreign_file.h"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace paretoscope::core {

namespace {

using std::string_view_literals::operator""sv;

bool looksLikePickle(std::string_view text)
{
    // Protocols 2 to 5. A safetensors header of 640 bytes also starts with 0x80 0x02, but then come six zeros and "{".
    const bool safetensors = text.size() > 8 && text[8] == '{';
    return text.size() > 2 && text[0] == '\x80' && text[1] >= 2 && text[1] <= 5 && !safetensors;
}

bool looksLikeWebPage(std::string_view text)
{
    std::string start(text.substr(0, 64));
    std::ranges::transform(start, start.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const std::size_t first = std::min(start.find_first_not_of(" \t\r\n"), start.size());
    const std::string_view tag = std::string_view(start).substr(first);
    return tag.starts_with("<!doctype html") || tag.starts_with("<html") || tag.starts_with("<?xml");
}

} // namespace

Error pickleRefused(const std::string& source)
{
    return {ErrorCode::Unsupported,
            source + ": PyTorch pickle checkpoints can run code when opened and are not supported",
            "convert to safetensors with a tool you trust, then open that"};
}

std::optional<Error> foreignFile(std::span<const std::byte> bytes, const std::string& source)
{
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text.starts_with("version https://git-lfs.github.com/spec/"))
        return Error {ErrorCode::Corrupt, source + " is a git-LFS pointer, not the weights themselves",
                      "run \"git lfs pull\" in that folder, or download the file again"};
    if (looksLikeWebPage(text))
        return Error {ErrorCode::Corrupt, source + " is a web page, not weights: the download failed",
                      "download the file again; models with a licence to accept need a login"};
    if (text.starts_with("PK\x03\x04"sv) || text.starts_with("PK\x05\x06"sv)) {
        constexpr std::size_t kSearched = 65536; // the index is the first member, or in the directory at the end
        const auto names = [](std::string_view part) { return part.find("data.pkl") != std::string_view::npos; };
        if (names(text.substr(0, kSearched)) || names(text.substr(text.size() - std::min(text.size(), kSearched))))
            return pickleRefused(source);
        return Error {ErrorCode::Unsupported, source + " is a ZIP archive, not a safetensors or GGUF file",
                      "unpack it and give the folder"};
    }
    if (looksLikePickle(text))
        return pickleRefused(source);
    if (text.starts_with("\x93NUMPY"sv) || text.starts_with("\x89HDF\r\n"sv))
        return Error {ErrorCode::Unsupported, source + " is a NumPy or HDF5 file, not a safetensors or GGUF file",
                      "convert to safetensors with a tool you trust, then open that"};
    return std::nullopt;
}

} // namespace paretoscope::core
