/* Made by top_eigenvector.py; do not edit. */
static const double reference_ritz_doubling[15] = {
    -0x1.ac5eedb224220p-11, 0x1.6603934b3afaap-6, 0x1.f6b525d8209e2p-1, 0x1.33709b08f4e25p-4,
    0x1.72dc089487aabp-5, -0x1.249f16824d70ap-4, 0x1.94040a8faa7fcp-7, -0x1.c095485cd5115p-5,
    0x1.6fc5bf8d8a926p-7, 0x1.07d09a269e781p-4, -0x1.f86d778cd4c91p-4, -0x1.1d806c27fabf9p-7,
    -0x1.8d8cb7ed938c2p-8, 0x1.be643b9c2e7d9p+10, 0x1.09e62670ea1f6p+2,
};
static const double reference_ritz_equal[15] = {
    0x1.ea991eb5d6dbcp-5, 0x1.f65f36fe1f42ep-5, 0x1.ec52290383cc6p-1, 0x1.e19e1eac1d8bbp-5,
    0x1.cc909cf7be92ep-5, -0x1.fc6b9d4269ebcp-7, 0x1.04f14f32107b6p-5, -0x1.d665a6118325dp-4,
    0x1.5de8209344400p-4, 0x1.4d90d98d47b1ap-4, -0x1.54a1bb362812dp-3, -0x1.117c53be0a204p-4,
    -0x1.f4aabbc02380ep-6, 0x1.01f9d750f4341p+11, 0x1.06fa623da3f56p+2,
};
static const double reference_ritz_last_block[15] = {
    -0x1.7ab826abf4340p-10, 0x1.d499f32884615p-6, 0x1.f4d3aab238ae8p-1, 0x1.0dc018797ab4bp-4,
    0x1.55d0803241624p-6, -0x1.83ef68756230ap-4, -0x1.9f70c577a1767p-4, 0x1.5846f36f07fe7p-5,
    -0x1.eeac27f88c1dap-7, 0x1.5d46dfc1680a0p-10, -0x1.aa40215e56f6fp-7, 0x1.badae628cd3d5p-4,
    0x1.11ada124f146dp-4, 0x1.75783984d9cb0p+10, 0x1.15136878ccd10p+2,
};
static const double reference_pick[15] = {
    0x1.043021eb469ecp-7, -0x1.4d46e2e4529c4p-6, 0x1.e7c36951e5390p-1, 0x1.804e7e7d6769dp-4,
    0x1.cbf6ec6b755e4p-5, -0x1.0049cc9c5dc86p-5, 0x1.210e58bbf632fp-4, -0x1.a42574bd8a8b6p-4,
    0x1.16173b517200ep-5, 0x1.6c96fa45168e1p-4, -0x1.ccb9b6b30c377p-3, -0x1.9b57183de2859p-5,
    -0x1.291b98899a843p-5, 0x1.b4e02d97c4b39p+10, 0x1.043b14f83b4adp+2,
};
static const double reference_light[15] = {
    0x1.043021eb469ecp-7, -0x1.4d46e2e4529c4p-6, 0x1.e7c36951e5390p-1, 0x1.804e7e7d6769dp-4,
    0x1.cbf6ec6b755e4p-5, -0x1.0049cc9c5dc86p-5, 0x1.210e58bbf632fp-4, -0x1.a42574bd8a8b6p-4,
    0x1.16173b517200ep-5, 0x1.6c96fa45168e1p-4, -0x1.ccb9b6b30c377p-3, -0x1.9b57183de2859p-5,
    -0x1.291b98899a843p-5, 0x1.5210b4a068307p+10, 0x1.a7eba417d7de0p+1,
};
static const double reference_block_power[15] = {
    0x1.af35e42ce582dp-8, 0x1.dab035f322a51p-9, 0x1.f6aa09ff74176p-1, 0x1.71ae1b02f25a2p-5,
    0x1.2d546ef2c4e46p-9, -0x1.145c931af4a4ep-4, 0x1.36b59e686bca3p-4, -0x1.0c11e5c42bd55p-5,
    0x1.9021d10d9db50p-4, -0x1.60e76fc60e4fbp-5, -0x1.76f5e4472d678p-5, -0x1.01724066f9b77p-5,
    -0x1.726b35a376b7dp-4, 0x1.a8328334ee704p+10, 0x1.3e1eb94f1d464p+2,
};
static const double reference_full_width[15] = {
    0x1.a7b8552647cfap-9, 0x1.32dc437b91bbep-7, 0x1.eb1c5644a0e8bp-1, 0x1.dcc14cab573bap-5,
    -0x1.696c2f866518fp-7, -0x1.3dbe9ee47efa4p-4, 0x1.0c7f9e3cd9473p-3, -0x1.8351d012250edp-5,
    0x1.0bb4927d7f5c6p-3, -0x1.c252da2525a83p-5, -0x1.63cf6f3dc1314p-4, -0x1.341a1c86e86d3p-4,
    -0x1.0f7f12817a4b8p-3, 0x1.c2f290b3c8124p+10, 0x1.943781564a288p+1,
};
static const double reference_subsampled[15] = {
    0x1.831014b13f6ffp-5, 0x1.c84fdd33bcf24p-8, 0x1.f89c2c32e9be5p-1, 0x1.c136fec8d6c24p-5,
    0x1.3278202f1e572p-5, -0x1.821350faebcf3p-4, -0x1.0a4302941874cp-7, -0x1.507432d9f3fd1p-4,
    -0x1.b7b9e9f63e991p-7, 0x1.8a1344f017020p-6, -0x1.22ff28ea0a609p-4, -0x1.4f35114a36c11p-6,
    0x1.cb185ce18d8b0p-8, 0x1.d6a9f9163ea79p+10, 0x1.1ca261f2ac2fdp+2,
};
static const double reference_many_stored[15] = {
    -0x1.6a27942a90528p-8, 0x1.4bfd70afc9920p-6, 0x1.fad6515136f67p-1, 0x1.02e8df1f61ed2p-4,
    0x1.9278b96f6ae48p-6, -0x1.250485631fd62p-4, -0x1.d409324b76c74p-5, -0x1.59f1d55400b74p-8,
    -0x1.d7e2293045e58p-9, 0x1.c959b64961ab2p-7, -0x1.13833ff13ccacp-5, 0x1.efbce8338939ap-5,
    0x1.4932c81c82182p-5, 0x1.80d0fbe02ff30p+10, 0x1.2a5d3fd5d5e4bp+2,
};
static const double reference_oja_fixed[14] = {
    -0x1.2a450e431f3cdp-6, 0x1.393177ec1bb60p-3, 0x1.d41123079a65cp-1, 0x1.758e1bc3e8345p-3,
    -0x1.18218c9629831p-5, -0x1.b838a47f0902dp-4, 0x1.48171e24c5e2cp-3, 0x1.5d61af6456e34p-4,
    0x1.487adb167bfc3p-3, -0x1.2c46e9049d113p-4, -0x1.3c5e882c42a93p-4, -0x1.a2ab0f57cb23cp-4,
    -0x1.e6324f9e8d258p-4, 0x1.75af49f5348e6p+4,
};
static const double reference_oja_decaying[14] = {
    -0x1.0afec793b55d5p-8, 0x1.083e0ca5d26e7p-4, 0x1.f4b248ee48bcfp-1, 0x1.c19cd313576e9p-5,
    0x1.2ffd876e11622p-7, -0x1.2025a97351084p-4, 0x1.62baa7b6eb8c7p-4, 0x1.c5107600566cfp-7,
    0x1.b4919bfc3e131p-4, -0x1.9be1c39cc7671p-5, -0x1.43a929ac832b4p-5, -0x1.05d50d21f3611p-5,
    -0x1.5d780ea3d39ffp-4, 0x1.42c7d7c693967p+4,
};
static const double reference_oja_adaptive[14] = {
    0x1.50fc20fb9b2c3p-5, 0x1.4116956e96812p-4, 0x1.88d96a0b1b79cp-1, 0x1.66e67fb88b76ep-3,
    -0x1.200415b5a9ce6p-3, -0x1.6be107b51e410p-3, -0x1.2c7b5eb7cfb80p-2, -0x1.61a2b366a70b6p-5,
    -0x1.24df80cb0b497p-2, 0x1.168d9a6096fefp-8, 0x1.05c680a796be2p-2, 0x1.6e1093ec99bfep-3,
    0x1.dd3225969b90ep-3, 0x1.40c9d126975cbp-7,
};
static const double reference_frequent_directions[15] = {
    -0x1.4b84105148f76p-8, 0x1.3517a1f55af0fp-5, 0x1.fc61de3cc2ac8p-1, 0x1.831fac8d538f1p-5,
    0x1.6bef6387e2389p-6, -0x1.40aa51ed0115bp-4, -0x1.ac1d9fd82b0b2p-6, 0x1.6f4bd0ce075a2p-7,
    0x1.6c557dc9303a2p-6, -0x1.a1159547aa820p-9, -0x1.7fdd1169cc943p-7, 0x1.4bfecf025daaap-5,
    0x1.ac994a2d2d426p-6, 0x1.bda07fecfb556p+9, 0x1.7eb53cc990cf0p+3,
};
static const double reference_exact[15] = {
    -0x1.f6461ca59ce9ap-10, 0x1.08ea4445f4cb9p-5, 0x1.fa66421261608p-1, 0x1.d92f77e8c7d1fp-5,
    0x1.56d467caa7069p-6, -0x1.69d149601dfdbp-4, -0x1.ce282b19d991dp-5, 0x1.9ac009f9bcc60p-10,
    -0x1.ee74fe008710bp-8, 0x1.43a4a35079b5ep-6, -0x1.531292d428d35p-6, 0x1.c610c0928219dp-5,
    0x1.6e2c2aebd2aa7p-5, 0x1.7b85433c25240p+10, 0x1.c3f9c25bc33bbp+1,
};
