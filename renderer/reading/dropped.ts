// A file that was dropped on the window. A picture that says how it was made is put on the stage with the choice of what to take of it; another one
// is the one to start from, which is said.
import { setForm } from '../generate/form';
import { takeUp } from '../generate/start-picture';
import { t } from '../i18n';
import { showOffer } from '../stage/view';
import { toast } from '../ui/toasts';
import { readPicture } from './read';

const isModelName = (name: string): boolean => /\.(?:safetensors|sft|ckpt|pt|pth|bin|gguf)$/i.test(name);

export async function takeDropped(file: File): Promise<void> {
  // A page is not told where a file lies, and models stay where they are.
  if (isModelName(file.name)) return void toast(t('reading.modelFile', { name: file.name }), { holdMs: 8000 });
  const picture = await takeUp(file);
  if (!picture) return;
  const reading = await readPicture(picture);
  if (reading?.request) return showOffer({ picture, reading });
  setForm({ init: picture });
  toast(t(reading ? 'reading.nothing' : 'reading.notTold', { name: file.name }), { holdMs: 8000 });
}
