// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/packed/mxfp4_stack.h"

#include "core/checkpoint/small_floats.h"
#include "core/checkpoint/untrusted_text.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

namespace paretoscope::core {

namespace {

constexpr std::int64_t kGroup = 32;         // inputs that share a scale
constexpr std::int64_t kGroupBytes = 16;    // of their codes
constexpr std::uint8_t kLargestScale = 252; // 6 * 2^(252-127) is the largest value that a float32 holds
constexpr std::int64_t kOutputBlock = 64;   // outputs whose codes stay in the cache while their groups are walked

/// Whether a dotted name is the module or what holds it.
bool covers(std::string_view name, std::string_view module)
{
    while (true) {
        const std::string_view wanted = name.substr(0, name.find('.'));
        const std::string_view found = module.substr(0, module.find('.'));
        if (wanted != "*" && wanted != found)
            return false;
        if (wanted.size() == name.size())
            return true;
        if (found.size() == module.size())
            return false;
        name.remove_prefix(wanted.size() + 1);
        module.remove_prefix(found.size() + 1);
    }
}

struct StackParts
{
    PackedPart codes;
    PackedPart scales;
    std::int64_t matrices = 0;
    std::int64_t out = 0;
    std::int64_t groups = 0;
};

/// The values of one group, `stride` floats apart.
void expandGroup(std::span<const std::byte> pairs, std::uint8_t scale, float* target, std::int64_t stride)
{
    std::array<float, kFloat4E2M1.size()> values {};
    std::ranges::transform(kFloat4E2M1, values.begin(),
                           [factor = exponentOnlyToFloat(scale)](float code) { return code * factor; });
    for (const std::byte byte : pairs) {
        const auto pair = std::to_integer<unsigned>(byte);
        target[0] = values[pair & 15U];
        target[stride] = values[pair >> 4];
        target += 2 * stride;
    }
}

/// One matrix as [in, out].
Status decodeMatrix(const PackedModule& module, const StackParts& parts, std::int64_t matrix, std::span<float> out)
{
    for (std::int64_t begin = 0; begin < parts.out; begin += kOutputBlock) {
        const std::int64_t end = std::min(parts.out, begin + kOutputBlock);
        for (std::int64_t group = 0; group < parts.groups; ++group) {
            for (std::int64_t output = begin; output < end; ++output) {
                const auto place = static_cast<std::size_t>((matrix * parts.out + output) * parts.groups + group);
                const auto scale = std::to_integer<std::uint8_t>(parts.scales.data[place]);
                if (scale > kLargestScale)
                    return module.fail("the scale " + std::to_string(scale) + " at [" + std::to_string(matrix) + ", " +
                                       std::to_string(output) + ", " + std::to_string(group) + "] is " +
                                       (scale == 255 ? "no number" : "too large for float32"));
                expandGroup(parts.codes.data.subspan(place * kGroupBytes, kGroupBytes), scale,
                            out.data() + group * kGroup * parts.out + output, parts.out);
            }
        }
    }
    return success();
}

} // namespace

Result<Mxfp4Settings> mxfp4Settings(const Json& config)
{
    Mxfp4Settings settings;
    const auto found = config.find("modules_to_not_convert");
    if (found == config.end() || found->is_null())
        return settings;
    const auto isText = [](const Json& entry) { return entry.is_string(); };
    if (!found->is_array() || !std::ranges::all_of(*found, isText))
        return Error {ErrorCode::Corrupt, "quantization_config: modules_to_not_convert is no list of texts",
                      "correct config.json or download it again"};
    settings.denseModules = found->get<std::vector<std::string>>();
    return settings;
}

std::vector<PackedModule> mxfp4Stacks(const Checkpoint& base)
{
    std::set<std::string> names;
    for (const TensorInfo& tensor : base.tensors()) {
        for (const std::string_view ending : {"_blocks", "_scales"}) {
            if (tensor.name.ends_with(ending))
                names.insert(tensor.name.substr(0, tensor.name.size() - ending.size()));
        }
    }
    std::vector<PackedModule> stacks;
    for (const std::string& name : names)
        stacks.emplace_back(base, name, "_");
    return stacks;
}

Result<PackedWeight> mxfp4Stack(const PackedModule& module, const Mxfp4Settings& settings)
{
    const auto dense = std::ranges::find_if(settings.denseModules,
                                            [&](const std::string& name) { return covers(name, module.name()); });
    if (dense != settings.denseModules.end())
        return module.fail("modules_to_not_convert names it (" + inQuotes(*dense) + "), but it is stored in MXFP4");
    StackParts parts;
    PSC_ASSIGN(parts.codes, module.require("blocks", ElementType::U8, 4));
    PSC_ASSIGN(parts.scales, module.require("scales", ElementType::U8, 3));
    parts.matrices = parts.codes.dimension(0);
    parts.out = parts.codes.dimension(1);
    parts.groups = parts.codes.dimension(2);
    const std::vector<std::int64_t> scaleShape {parts.matrices, parts.out, parts.groups};
    if (std::ranges::min(scaleShape) < 1 || parts.codes.dimension(3) != kGroupBytes ||
        parts.scales.info.shape != scaleShape)
        return module.fail("blocks " + shapeText(parts.codes.info.shape) + " and scales " +
                           shapeText(parts.scales.info.shape) +
                           " do not fit together as 16 bytes for every scale of 32 inputs");
    const std::int64_t in = parts.groups * kGroup;
    PackedWeight weight = module.weight(parts.out, in, {parts.codes, parts.scales});
    weight.info.name = module.name();
    weight.info.shape = {parts.matrices, in, parts.out};
    weight.info.type = ElementType::Mxfp4;
    weight.readMatrix = [module, parts](std::int64_t matrix, std::span<float> out) {
        return decodeMatrix(module, parts, matrix, out);
    };
    weight.read = [matrices = parts.matrices, readMatrix = weight.readMatrix](std::span<float> out) -> Status {
        const std::size_t size = out.size() / static_cast<std::size_t>(matrices);
        for (std::int64_t matrix = 0; matrix < matrices; ++matrix)
            PSC_TRY(readMatrix(matrix, out.subspan(static_cast<std::size_t>(matrix) * size, size)));
        return success();
    };
    return weight;
}

} // namespace paretoscope::core
