// SPDX-License-Identifier: Apache-2.0
#include "core/evaluation/task_protocol.h"

#include "core/corpus/option_reader.h"

namespace paretoscope::core {

namespace {

constexpr std::int64_t kMostItems = 100'000'000;

} // namespace

Result<TaskProtocol> TaskProtocol::fromJson(const Json& options)
{
    OptionReader reader(options, "task options");
    TaskProtocol protocol;
    protocol.file = reader.text("file");
    protocol.limit = static_cast<int>(reader.integer("limit", protocol.limit, 0, kMostItems));
    protocol.order = reader.choice("order", {"file", "shuffled"});
    protocol.bos = reader.choice("bos", {"auto", "none", "first"});
    PSC_TRY(reader.finish());
    return protocol;
}

Json TaskProtocol::toJson() const
{
    return {{"file", file.string()}, {"limit", limit}, {"order", order}, {"bos", bos}};
}

std::string TaskProtocol::id(const Sha256Digest& fileDigest) const
{
    return "task.likelihood/" + file.filename().string() + "#" + fileDigest.hex().substr(0, 8) + "/order-" + order +
           "/limit-" + (limit == 0 ? "all" : std::to_string(limit)) + "/bos-" + bos;
}

} // namespace paretoscope::core
