#include "PluginModel.h"

#include <algorithm>

bool PluginModel::soundsLike (const PluginModel& other) const
{
    if (script != other.script)
        return false;
    return model == other.model ||
           (&model->family() == &other.model->family() && std::ranges::equal (model->values(), other.model->values()));
}
