// The families by the names that people know.

/** As people write them; other families by their own name. */
export const familyLabels: Readonly<Record<string, string>> = {
  sd1: 'Stable Diffusion 1', sd2: 'Stable Diffusion 2', sdxl: 'SDXL', 'sdxl-refiner': 'SDXL refiner', sd3: 'Stable Diffusion 3', flux: 'Flux', pixart: 'PixArt',
  cascade: 'Stable Cascade', svd: 'Stable Video Diffusion',
};
