// The families of networks by the names that people know.
const names: Readonly<Record<string, string>> = { sd1: 'SD 1', sd2: 'SD 2', sdxl: 'SDXL', 'sdxl-refiner': 'SDXL Refiner', sd3: 'SD 3', flux: 'FLUX' };

export const familyName = (family: string): string => names[family] ?? family;
