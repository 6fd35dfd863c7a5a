// SPDX-License-Identifier: Apache-2.0
#include "core/engine/decoding/greedy_generation.h"

#include "core/engine/device/transfer.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace paretoscope::engine {

namespace {

using Tokens = std::vector<std::int32_t>;

/// One prompt on its way.
struct Generation
{
    int sequence = 0;
    Tokens fed;       ///< what the next pass reads
    Tokens generated; ///< so far
    bool done = false;
};

class GreedyRun
{
public:
    GreedyRun(DecodeSession& session, const GenerationOptions& options)
        : m_session(session)
        , m_options(options)
    {}

    core::Result<std::vector<Tokens>> run(std::span<const Tokens> prompts)
    {
        for (const Tokens& prompt : prompts)
            m_generations.push_back({m_session.open(), prompt, {}, m_options.maxTokens <= 0});
        const core::Status decoded = decode();
        for (const Generation& generation : m_generations)
            m_session.close(generation.sequence);
        PSC_TRY(decoded);
        std::vector<Tokens> results;
        for (Generation& generation : m_generations)
            results.push_back(std::move(generation.generated));
        return results;
    }

private:
    core::Status decode()
    {
        for (bool isPrompt = true;; isPrompt = false) {
            std::vector<Generation*> active;
            std::vector<DecodeChunk> chunks;
            for (Generation& generation : m_generations) {
                if (generation.done)
                    continue;
                active.push_back(&generation);
                chunks.push_back({generation.sequence, std::move(generation.fed)});
            }
            if (active.empty())
                return core::success();
            PSC_ASSIGN(const std::vector<at::Tensor> states, m_session.extend(chunks));
            for (std::size_t i = 0; i < active.size(); ++i) {
                if (isPrompt)
                    m_session.store(active[i]->sequence).endPrompt();
                PSC_TRY(choose(*active[i], states[i]));
            }
        }
    }

    core::Status choose(Generation& generation, const at::Tensor& states)
    {
        PSC_ASSIGN(const at::Tensor logits, m_session.logits(states.narrow(0, states.size(0) - 1, 1)));
        // float64 holds every id exactly; one copy, so that a card is waited for once.
        const at::Tensor chosen = toHost(at::stack({logits.argmax().to(at::kDouble), logits.max().to(at::kDouble)}));
        const auto next = static_cast<std::int32_t>(chosen.const_data_ptr<double>()[0]);
        if (!std::isfinite(chosen.const_data_ptr<double>()[1]))
            return core::Error {core::ErrorCode::Numerical, "the model gives logits that are not finite",
                                "an earlier stage broke the model: use more bits or less sparsity"};
        generation.generated.push_back(next);
        generation.fed = {next};
        generation.done = static_cast<int>(generation.generated.size()) >= m_options.maxTokens ||
                          m_options.endTokens.contains(next);
        return core::success();
    }

    DecodeSession& m_session;
    const GenerationOptions& m_options;
    std::vector<Generation> m_generations;
};

} // namespace

core::Result<std::vector<Tokens>> generateGreedily(DecodeSession& session, const std::vector<Tokens>& prompts,
                                                   const GenerationOptions& options)
{
    std::vector<Tokens> results;
    const std::size_t batch = std::max<std::size_t>(1, options.batch);
    for (std::size_t begin = 0; begin < prompts.size(); begin += batch) {
        const std::size_t count = std::min(batch, prompts.size() - begin);
        PSC_ASSIGN(std::vector<Tokens> part, GreedyRun(session, options).run({prompts.data() + begin, count}));
        std::move(part.begin(), part.end(), std::back_inserter(results));
        if (options.report)
            PSC_TRY(options.report(results.size()));
    }
    return results;
}

} // namespace paretoscope::engine
