// SPDX-License-Identifier: Apache-2.0
#include "core/engine/measurement/products.h"

#include "core/engine/foreign_exception.h"

#include <algorithm>
#include <set>

namespace paretoscope::engine {

namespace {

using core::Json;
using core::Repeated;

struct Arrangement
{
    int threads = 1;
    int calls = 1;
    bool isCold = true;
};

class ProductMeasurement
{
public:
    explicit ProductMeasurement(const Surroundings& surroundings)
        : m_surroundings(surroundings)
        , m_timer(surroundings.device, surroundings.plan())
        , m_options(at::TensorOptions(at::kFloat).device(surroundings.device))
    {}

    core::Result<Json> run(const std::vector<ProductShape>& shapes)
    {
        int done = 0;
        for (const ProductShape& shape : shapes) {
            for (const Arrangement& arrangement : arrangements(shape)) {
                PSC_TRY(m_surroundings.goOn("matrix products", done, static_cast<int>(shapes.size())));
                measure(shape, arrangement);
            }
            ++done;
        }
        PSC_TRY(m_surroundings.goOn("matrix products", done, static_cast<int>(shapes.size())));
        return std::move(m_curve);
    }

private:
    std::vector<Arrangement> arrangements(const ProductShape& shape) const
    {
        const int threads = m_surroundings.device.is_cpu() ? m_surroundings.threads : 1;
        if (shape.isShared)
            return {{.threads = threads}};
        const bool fitsCache = shape.out * shape.in * 4 <= m_surroundings.cachedBytes();
        std::vector<Arrangement> all;
        for (const int calls : std::set<int> {1, threads}) {
            all.push_back({.calls = calls});
            if (fitsCache)
                all.push_back({.calls = calls, .isCold = false});
        }
        return all;
    }

    std::vector<std::int64_t> rows(const ProductShape& shape) const
    {
        if (shape.isShared)
            return {1};
        if (m_surroundings.isQuick)
            return {1, 8, 32, 128};
        return {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};
    }

    void measure(const ProductShape& shape, const Arrangement& arrangement)
    {
        const std::int64_t bytes = shape.out * shape.in * 4;
        const std::int64_t total = arrangement.isCold ? m_surroundings.coldBytes() : m_surroundings.cachedBytes();
        const std::int64_t copies = std::max<std::int64_t>(1, (total + bytes - 1) / bytes);
        const at::Tensor all = at::full({copies, shape.out, shape.in}, 0.01, m_options);
        const std::vector<at::Tensor> weights = all.unbind(0);
        for (const std::int64_t rowCount : rows(shape)) {
            const at::Tensor x = at::full({rowCount, shape.in}, 0.5, m_options);
            const Repeated seconds = timed(x, weights, arrangement);
            m_curve.push_back({{"threads", arrangement.threads},
                               {"calls", arrangement.calls},
                               {"cold", arrangement.isCold},
                               {"rows", rowCount},
                               {"out", shape.out},
                               {"in", shape.in},
                               {"seconds", core::toJson(seconds)}});
        }
    }

    Repeated timed(const at::Tensor& x, const std::vector<at::Tensor>& weights, const Arrangement& arrangement) const
    {
        if (!arrangement.isCold) {
            for (const at::Tensor& weight : weights)
                at::linear(x, weight); // what is in the cache does not come from memory
        }
        // Every thread goes through the copies at its own pace, from where it stopped.
        std::vector<std::size_t> next(static_cast<std::size_t>(arrangement.calls));
        const auto work = [&](int thread, int calls) {
            std::size_t& place = next[static_cast<std::size_t>(thread)];
            for (int i = 0; i < calls; ++i, place = (place + 1) % weights.size())
                at::linear(x, weights[place]);
        };
        return arrangement.threads == 1 && m_surroundings.device.is_cpu()
                   ? m_timer.timeInThreads(arrangement.calls, work)
                   : m_timer.time([&](int calls) { work(0, calls); });
    }

    const Surroundings& m_surroundings;
    CallTimer m_timer;
    at::TensorOptions m_options;
    Json m_curve = Json::array();
};

} // namespace

core::Result<Json> measureProducts(const Surroundings& surroundings, const std::vector<ProductShape>& shapes)
{
    return guarded("measuring matrix products", [&] { return ProductMeasurement(surroundings).run(shapes); });
}

} // namespace paretoscope::engine
