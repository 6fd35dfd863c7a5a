// SPDX-License-Identifier: Apache-2.0
#include "core/corpus/corpus.h"

#include "core/corpus/option_reader.h"

namespace paretoscope::core {

namespace {

constexpr std::int64_t kLongestWindow = std::int64_t(1) << 20; // longer than any context of today's models
constexpr std::int64_t kMostWindows = 1'000'000'000;
constexpr std::int64_t kMostCalibrationTokens = std::int64_t(1) << 31; // 8 GiB of ids

} // namespace

Result<WindowProtocol> WindowProtocol::fromJson(const Json& options)
{
    OptionReader reader(options, "window options");
    WindowProtocol protocol;
    protocol.corpus = reader.text("corpus");
    protocol.length = static_cast<int>(reader.integer("length", protocol.length, 2, kLongestWindow));
    protocol.windows = static_cast<int>(reader.integer("windows", protocol.windows, 0, kMostWindows));
    protocol.first = static_cast<int>(reader.integer("first", protocol.first, 0, kMostWindows));
    protocol.stride = static_cast<int>(reader.integer("stride", protocol.stride, 0, kLongestWindow));
    protocol.join = reader.choice("join", {"raw", "rows"});
    protocol.score = reader.choice("score", {"all", "second-half"});
    const bool asLlamaCpp = protocol.score == "second-half";
    protocol.bos = reader.choice("bos", asLlamaCpp ? std::vector<std::string> {"auto", "none", "first", "each"}
                                                   : std::vector<std::string> {"none", "first", "each", "auto"});
    PSC_TRY(reader.finish());
    if (protocol.stride > protocol.length)
        return Error {ErrorCode::InvalidArgument,
                      "window options: stride " + std::to_string(protocol.stride) + " exceeds length " +
                          std::to_string(protocol.length) + ", so tokens would be left out",
                      "use a stride from 1 to the length"};
    if (protocol.stride == protocol.length)
        protocol.stride = 0; // the same windows, so the same id
    if (protocol.score == "second-half" && protocol.stride != 0)
        return Error {ErrorCode::InvalidArgument, "window options: score second-half and a stride exclude each other",
                      "leave one of them out"};
    if (protocol.score == "second-half" && protocol.length < 4)
        return Error {ErrorCode::InvalidArgument,
                      "window options: score second-half needs a length of at least 4, but it is " +
                          std::to_string(protocol.length),
                      "llama.cpp's length is 512"};
    return protocol;
}

Json WindowProtocol::toJson() const
{
    return {{"corpus", corpus.string()}, {"length", length}, {"windows", windows}, {"first", first},
            {"stride", stride},          {"bos", bos},       {"join", join},       {"score", score}};
}

std::string WindowProtocol::id(std::string_view metric, const Sha256Digest& corpusDigest) const
{
    std::string id = std::string(metric) + ".window/" + corpus.filename().string() + "#" +
                     corpusDigest.hex().substr(0, 8) + "/" + std::to_string(length);
    if (stride != 0 && stride != length)
        id += "/stride" + std::to_string(stride);
    id += "/first" + std::to_string(first) + "+" + (windows == 0 ? "all" : std::to_string(windows));
    return id + "/bos-" + bos + "/join-" + join + "/score-" + score;
}

Result<CalibrationSpec> CalibrationSpec::fromJson(const Json& options)
{
    OptionReader reader(options, "calibration options");
    CalibrationSpec spec;
    spec.corpus = reader.text("corpus");
    spec.samples = static_cast<int>(reader.integer("samples", spec.samples, 1, kMostWindows));
    spec.length = static_cast<int>(reader.integer("length", spec.length, 2, kLongestWindow));
    spec.select = reader.choice("select", {"first", "random"});
    spec.seed = reader.natural("seed", spec.seed);
    spec.join = reader.choice("join", {"raw", "rows"});
    PSC_TRY(reader.finish());
    if (std::int64_t(spec.samples) * spec.length > kMostCalibrationTokens)
        return Error {ErrorCode::InvalidArgument,
                      "calibration options: " + std::to_string(spec.samples) + " samples of length " +
                          std::to_string(spec.length) + " are more than 2^31 tokens",
                      "128 samples of length 2048 are usual"};
    return spec;
}

Json CalibrationSpec::toJson() const
{
    Json json {
        {"corpus", corpus.string()}, {"samples", samples}, {"length", length}, {"select", select}, {"join", join}};
    if (select == "random")
        json["seed"] = seed;
    return json;
}

} // namespace paretoscope::core
