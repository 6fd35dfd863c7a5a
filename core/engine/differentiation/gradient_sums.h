// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/differentiation/differentiable.h"
#include "core/engine/parallel.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace paretoscope::engine {

/// Sums of derivatives over sequences in float64, handed on as soon as the last user of a tensor contributed.
class GradientSums
{
public:
    /// @param factor multiplies every finished sum
    GradientSums(double factor, const GradientVisitor& visit)
        : m_factor(factor)
        , m_visit(visit)
    {}

    /// One more segment reads `name`.
    void expect(const std::string& name) { ++m_users[name]; }
    int users(const std::string& name) const
    {
        const auto found = m_users.find(name);
        return found == m_users.end() ? 0 : found->second;
    }
    /// Calls work(sample) for every sample in parallel and adds what it gives, parallel to `names`, in the order of the
    /// samples; as many results as there are threads are held at once. Undefined is zero. @param isSquared adds squares
    /// @param inFlight samples at once, at most
    template <typename Work>
    void addAll(const std::vector<std::string>& names, std::size_t samples, bool isSquared, Work&& work,
                std::size_t inFlight)
    {
        const std::size_t atOnce = std::min(sampleThreads(samples), inFlight);
        std::vector<std::vector<at::Tensor>> parts(atOnce);
        for (std::size_t begin = 0; begin < samples; begin += atOnce) {
            const std::size_t count = std::min(atOnce, samples - begin);
            forEachSample(count, [&](std::size_t i) {
                const RecordableScope recordable;
                parts[i] = work(begin + i);
            });
            for (std::size_t i = 0; i < count; ++i) {
                for (std::size_t name = 0; name < names.size(); ++name)
                    add(names[name], parts[i][name], isSquared);
                parts[i].clear();
            }
        }
    }
    /// One segment that reads `name`, of the shape of `like`, is through with all sequences.
    void finish(const std::string& name, const at::Tensor& like);

private:
    void add(const std::string& name, const at::Tensor& value, bool isSquared);

    double m_factor;
    const GradientVisitor& m_visit;
    std::map<std::string, int> m_users;
    std::map<std::string, at::Tensor> m_sums;
};

} // namespace paretoscope::engine
