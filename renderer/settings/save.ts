// Saves a change of the settings: shown at once, taken back to what the studio says.
import { useMutation } from '@tanstack/react-query';
import { usualParts } from '../../preload/contract/file-slots';
import type { ModelEntry } from '../../preload/contract/model';
import type { Settings } from '../../preload/contract/studio';
import { api, errorInfoOf } from '../api';
import { modelsChanged, queryClient } from '../queries';
import { toast } from '../ui/toasts';
import { said } from '../i18n';

export const useSaveSettings = () => useMutation({
  mutationFn: (patch: Partial<Settings>) => api.settings.set.mutate(patch),
  onMutate: (patch) => {
    queryClient.setQueryData<Settings>(['settings'], (known) => known && { ...known, ...patch });
    const { modelSettings } = patch;
    if (modelSettings) queryClient.setQueryData<ModelEntry[]>(['models'], (known) => known?.map((model) => ({ ...model, parts: usualParts(model.besideVae, modelSettings[model.id]) })));
  },
  onSuccess: (saved, patch) => {
    queryClient.setQueryData(['settings'], saved);
    if (patch.modelSettings) void modelsChanged();
  },
  onError: (thrown) => {
    toast(said(errorInfoOf(thrown)));
    void queryClient.invalidateQueries({ queryKey: ['settings'] });
  },
});
