// The window: rail, stage with its strip, dock beneath, settings at the right.
import { useEffect } from 'react';
import { DropTarget } from './drop';
import { errorInfoOf } from './api';
import { Dock } from './generate/dock';
import { useKeptPictures } from './generate/kept-pictures';
import { chooseModel, useForm } from './generate/form';
import { Panel } from './generate/panel';
import { useKeys } from './keys';
import { useMachine, useModels } from './queries';
import { listenToQueue } from './queue/listen';
import { Rail } from './rail';
import { Refused } from './refused';
import { Stage } from './stage/stage';
import { Strip } from './strip/strip';
import { ReportByHand } from './ui/copy-report';

export function App() {
  const models = useModels(), machine = useMachine();
  useEffect(listenToQueue, []);
  useUsableModel();
  useKeys();
  useKeptPictures();
  // The machine is asked for again and again: a studio that was started anew may not know this window any more.
  const refusal = [models.error, machine.error].map((error) => error && errorInfoOf(error)).find((info) => info?.code === 'auth.missing' || info?.code === 'auth.refused');
  if (refusal) return <Refused error={refusal} />;
  return (
    <div className="grid h-full grid-cols-[68px_minmax(0,1fr)_288px] lg:grid-cols-[68px_minmax(0,1fr)_320px]">
      <Rail />
      <main className="relative flex min-h-0 min-w-0 flex-col bg-stage">
        <div className="flex min-h-0 flex-1">
          <Stage />
          <Strip />
        </div>
        <Dock />
        <DropTarget />
      </main>
      <Panel />
      <ReportByHand />
    </div>
  );
}

/** A first start, or a model that is gone: the form gets one that can be used, the demo model first. */
function useUsableModel(): void {
  const { data: models } = useModels();
  const chosen = useForm((form) => form.model);
  useEffect(() => {
    if (!models || models.some((model) => model.id === chosen && model.runnable)) return;
    const usable = models.find((model) => model.runnable && model.builtIn) ?? models.find((model) => model.runnable);
    if (usable) chooseModel(usable);
  }, [models, chosen]);
}
