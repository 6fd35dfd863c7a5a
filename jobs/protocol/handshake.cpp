// SPDX-License-Identifier: Apache-2.0
#include "jobs/protocol/handshake.h"

namespace paretoscope::jobs {

namespace {

using core::Error;
using core::ErrorCode;
using core::Json;

core::Status checkVersion(const Json& body)
{
    const auto found = body.find("protocol");
    const int version = found != body.end() && found->is_number_integer() ? found->get<int>() : 0;
    if (version == kProtocolVersion)
        return core::success();
    return Error {ErrorCode::Unsupported,
                  "the other side speaks version " + std::to_string(version) +
                      " of the worker protocol, this program version " + std::to_string(kProtocolVersion),
                  "program and worker must come from one installation; PARETOSCOPE_WORKER may name an old one"};
}

std::vector<std::string> strings(const std::vector<std::filesystem::path>& paths)
{
    std::vector<std::string> texts;
    for (const auto& path : paths)
        texts.push_back(path.string());
    return texts;
}

} // namespace

Json toJson(const Configuration& configuration)
{
    Json body {{"protocol", configuration.protocol},
               {"threads", configuration.threads},
               {"device", configuration.device},
               {"arithmetic", configuration.arithmetic},
               {"cache", configuration.cache.string()},
               {"plugins", strings(configuration.plugins)},
               {"architectures", configuration.architectures.string()},
               {"heartbeat_ms", configuration.heartbeatMilliseconds}};
    if (configuration.cacheLimit)
        body["cache_limit"] = configuration.cacheLimit->value;
    if (configuration.memoryBudget)
        body["memory_budget"] = configuration.memoryBudget->value;
    if (configuration.allowsCommands)
        body["allow_commands"] = true;
    return body;
}

core::Result<Configuration> configurationFromJson(const Json& body)
{
    PSC_TRY(checkVersion(body));
    try {
        Configuration configuration;
        configuration.threads = body.value("threads", 1);
        configuration.device = body.value("device", "auto");
        configuration.arithmetic = body.value("arithmetic", "float32");
        configuration.cache = body.value("cache", "");
        if (body.contains("cache_limit"))
            configuration.cacheLimit = core::Bytes {body.at("cache_limit").get<std::int64_t>()};
        for (const auto& folder : body.value("plugins", std::vector<std::string>()))
            configuration.plugins.emplace_back(folder);
        configuration.architectures = body.value("architectures", "");
        if (body.contains("memory_budget"))
            configuration.memoryBudget = core::Bytes {body.at("memory_budget").get<std::int64_t>()};
        configuration.heartbeatMilliseconds = body.value("heartbeat_ms", 1000);
        configuration.allowsCommands = body.value("allow_commands", false);
        return configuration;
    } catch (const Json::exception& failure) {
        return Error {ErrorCode::Corrupt, std::string("message configure: ") + failure.what(),
                      "program and worker must come from one installation"};
    }
}

Json toJson(const Hello& hello)
{
    return {{"protocol", hello.protocol}, {"build", hello.build},
            {"libtorch", hello.libtorch}, {"plugins", hello.plugins},
            {"device", hello.device},     {"threads", hello.threads},
            {"pid", hello.pid},           {"description", hello.description}};
}

core::Result<Hello> helloFromJson(const Json& body)
{
    PSC_TRY(checkVersion(body));
    try {
        Hello hello;
        hello.build = body.value("build", "");
        hello.libtorch = body.value("libtorch", "");
        hello.plugins = body.value("plugins", std::vector<std::string>());
        hello.device = body.value("device", "");
        hello.threads = body.value("threads", 0);
        hello.pid = body.value("pid", 0);
        hello.description = body.value("description", Json::object());
        return hello;
    } catch (const Json::exception& failure) {
        return Error {ErrorCode::Corrupt, std::string("message hello: ") + failure.what(),
                      "program and worker must come from one installation"};
    }
}

} // namespace paretoscope::jobs
