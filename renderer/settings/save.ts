// Saves a change of the settings: shown at once, taken back to what the studio says.
import { useMutation } from '@tanstack/react-query';
import type { Settings } from '../../preload/contract/studio';
import { api, errorInfoOf } from '../api';
import { queryClient } from '../queries';
import { toast } from '../ui/toasts';

export const useSaveSettings = () => useMutation({
  mutationFn: (patch: Partial<Settings>) => api.settings.set.mutate(patch),
  onMutate: (patch) => queryClient.setQueryData<Settings>(['settings'], (known) => known && { ...known, ...patch }),
  onSuccess: (saved, patch) => {
    queryClient.setQueryData(['settings'], saved);
    if (patch.modelSettings) void queryClient.invalidateQueries({ queryKey: ['models'] });
  },
  onError: (thrown) => {
    toast(errorInfoOf(thrown).message);
    void queryClient.invalidateQueries({ queryKey: ['settings'] });
  },
});
