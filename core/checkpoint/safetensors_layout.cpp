// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/safetensors_layout.h"

#include "core/base/json.h"
#include "core/checkpoint/safetensors_dtypes.h"
#include "core/checkpoint/untrusted_text.h"

#include <algorithm>
#include <cstring>
#include <tuple>
#include <utility>

namespace paretoscope::core {

namespace {

constexpr std::size_t kMaxNameBytes = 1024; // what our own reader takes
constexpr std::size_t kMaxRank = 8;
constexpr std::size_t kHeaderAlignment = 8;
constexpr std::size_t kMaxHeaderBytes = 100'000'000;

Error refuse(const std::string& name, const std::string& problem)
{
    return {ErrorCode::InvalidArgument, "tensor " + inQuotes(name) + " cannot be written: " + problem,
            "choose other names or types for the output"};
}

Status checkNames(const std::vector<TensorDeclaration>& tensors)
{
    for (const TensorDeclaration& tensor : tensors) {
        if (tensor.name.empty() || tensor.name.size() > kMaxNameBytes || !isPlainText(tensor.name) ||
            tensor.name == "__metadata__")
            return refuse(tensor.name, "its name is empty, reserved, longer than " + std::to_string(kMaxNameBytes) +
                                           " bytes or not plain UTF-8");
        if (tensor.shape.size() > kMaxRank)
            return refuse(tensor.name, "it has more than " + std::to_string(kMaxRank) + " dimensions");
    }
    return success();
}

std::string entryText(const TensorDeclaration& tensor, std::int64_t begin, std::int64_t end)
{
    std::string text = Json(tensor.name).dump() + ":{\"dtype\":\"" + std::string(safetensorsDtype(tensor.type)->name) +
                       "\",\"shape\":[";
    for (std::size_t i = 0; i < tensor.shape.size(); ++i)
        text += (i > 0 ? "," : "") + std::to_string(tensor.shape[i]);
    return text + "],\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(end) + "]}";
}

std::string withLengthAndPadding(std::string json)
{
    json.resize((json.size() + kHeaderAlignment - 1) / kHeaderAlignment * kHeaderAlignment, ' ');
    const std::uint64_t length = json.size();
    std::string header(sizeof length, '\0');
    std::memcpy(header.data(), &length, sizeof length);
    return header + json;
}

} // namespace

Result<std::int64_t> safetensorsBytes(const TensorDeclaration& tensor)
{
    const SafetensorsDtype* dtype = safetensorsDtype(tensor.type);
    if (!dtype)
        return refuse(tensor.name, "safetensors has no type " + std::string(layoutOf(tensor.type).name));
    const auto elements = elementCount(tensor.shape);
    std::int64_t bits = 0;
    if (!elements.ok() || __builtin_mul_overflow(elements.value(), std::int64_t(dtype->bits), &bits) || bits % 8 != 0)
        return refuse(tensor.name, "shape " + shapeText(tensor.shape) + " of " + std::string(dtype->name) +
                                       " is too large or does not fill whole bytes");
    return bits / 8;
}

Result<SafetensorsLayout> SafetensorsLayout::of(std::vector<TensorDeclaration> tensors,
                                                std::map<std::string, std::string> metadata)
{
    SafetensorsLayout layout;
    PSC_TRY(checkNames(tensors));
    metadata.emplace("format", "pt");
    for (const auto& [key, value] : metadata) {
        // Values may hold line breaks (JSON escapes them), but not broken UTF-8, on which the JSON writer would throw.
        std::string visible = value;
        std::ranges::replace_if(
            visible, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
        if (!isPlainText(key) || !isPlainText(visible))
            return Error {ErrorCode::InvalidArgument, "metadata key " + inQuotes(key) + " is not plain UTF-8 text",
                          "correct the metadata of the output"};
    }
    std::vector<std::pair<TensorDeclaration, std::int64_t>> sized;
    for (TensorDeclaration& tensor : tensors) {
        PSC_ASSIGN(const std::int64_t bytes, safetensorsBytes(tensor));
        sized.emplace_back(std::move(tensor), bytes);
    }
    std::ranges::sort(sized, {}, [](const auto& item) {
        return std::tuple(-safetensorsDtype(item.first.type)->rank, std::string_view(item.first.name));
    });

    std::string json = "{\"__metadata__\":" + Json(metadata).dump();
    std::int64_t offset = 0;
    for (auto& [tensor, bytes] : sized) {
        std::int64_t end = 0;
        if (__builtin_add_overflow(offset, bytes, &end))
            return refuse(tensor.name, "the file would exceed 2^63 bytes");
        json += "," + entryText(tensor, offset, end);
        const std::string name = tensor.name;
        if (!layout.ranges.emplace(name, Range {std::move(tensor), offset, end}).second)
            return refuse(name, "there are two tensors of this name");
        offset = end;
    }
    layout.header = withLengthAndPadding(json + "}");
    if (layout.header.size() > kMaxHeaderBytes)
        return Error {ErrorCode::InvalidArgument, "the header of the output exceeds 100 MB",
                      "write fewer tensors into one file"};
    const auto dataBegin = static_cast<std::int64_t>(layout.header.size());
    if (__builtin_add_overflow(dataBegin, offset, &layout.fileBytes))
        return Error {ErrorCode::InvalidArgument, "the output would exceed 2^63 bytes", "write less into one file"};
    for (auto& [name, range] : layout.ranges) {
        range.begin += dataBegin;
        range.end += dataBegin;
    }
    return layout;
}

} // namespace paretoscope::core
