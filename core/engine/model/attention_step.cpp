// SPDX-License-Identifier: Apache-2.0
#include "core/engine/model/attention_step.h"

#include "core/engine/kernels/cached_attention.h"

namespace paretoscope::engine {

at::Tensor attendThroughStore(const PassContext& context, AttentionHeads heads, const AttentionOptions& options)
{
    const PassPlace& place = context.place;
    KvStore* store = place.store;
    const std::int64_t firstQuery = context.firstRotaryPosition(); // before the store takes the chunk
    const at::Tensor query = context.visit(HookPoint::Query, std::move(heads.query));
    const at::Tensor key = context.visit(HookPoint::Key, std::move(heads.key));
    const at::Tensor value = context.visit(HookPoint::Value, std::move(heads.value));
    KvView view = store ? store->write(place.block, {place.firstPosition, key, heads.unrotatedKey, value})
                        : KvView {key, value, {}};
    view.key = context.visit(HookPoint::KeyRead, std::move(view.key));
    view.value = context.visit(HookPoint::ValueRead, std::move(view.value));

    const KvObservation wanted = store ? store->observes(place.block) : KvObservation::None;
    const bool isHooked = context.isHooked(HookPoint::AttentionProbabilities);
    if (isHooked || wanted == KvObservation::Probabilities || place.explicitAttention) {
        return explicitAttention(query, view, firstQuery, options, [&](std::int64_t row, at::Tensor probabilities) {
            probabilities = context.visit(HookPoint::AttentionProbabilities, std::move(probabilities), row);
            if (wanted != KvObservation::None)
                store->observe(place.block,
                               {place.firstPosition + row, query.narrow(0, row, probabilities.size(1)), probabilities});
            return probabilities;
        });
    }
    // A chunk that sees itself alone is the full forward: the same kernel, the same numbers.
    const bool isWhole = !view.positions.defined() && view.key.size(0) == query.size(0);
    at::Tensor mixed = isWhole ? causalAttention(query, view.key, view.value, options)
                               : cachedAttention(query, view, firstQuery, options);
    if (wanted == KvObservation::Queries)
        store->observe(place.block, {place.firstPosition, query, {}});
    return mixed;
}

} // namespace paretoscope::engine
