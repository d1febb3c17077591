/* Made by ops_softmax.py; do not edit. */
#ifndef NRM_OPS_SOFTMAX_VALUES_H
#define NRM_OPS_SOFTMAX_VALUES_H

static const double softmax_y[21] = {
    0x1.6b6cc1334fe4fp-6, 0x1.c83952be8f9f3p-2, 0x1.51925ea5bc340p-4, 0x1.edf20f50b4fe3p-5,
    0x1.6551d8560696bp-3, 0x1.30b640b930815p-8, 0x1.af0284d99b50ap-3, 0x1.134dfdd199557p-4,
    0x1.c5e6904c93163p-4, 0x1.71f9ba1a69465p-1, 0x1.638005ceec430p-5, 0x1.51c1334ba612ep-7,
    0x1.3d4a89e8d9337p-7, 0x1.26b84d0106b03p-5, 0x1.7117e2ef95645p-2, 0x1.8f9c5be8cae10p-5,
    0x1.abcadf63b319ap-6, 0x1.c4d17e5ac7ae5p-5, 0x1.d9ecd9090cda5p-2, 0x1.245c8aa02c030p-5,
    0x1.64a92e9557a9dp-7,
};
static const double log_softmax_y[21] = {
    -0x1.e77c8976834e2p+1, -0x1.9df225da0d38ap-1, -0x1.3f7c8976834e2p+1, -0x1.677c8976834e2p+1,
    -0x1.bef912ed069c5p+0, -0x1.57be44bb41a71p+2, -0x1.8ef912ed069c5p+0, -0x1.5995ecce96170p+1,
    -0x1.1995ecce96170p+1, -0x1.4caf6674b0b7dp-2, -0x1.9195ecce96170p+1, -0x1.24caf6674b0b8p+2,
    -0x1.28caf6674b0b8p+2, -0x1.a995ecce96170p+1, -0x1.053a65d8e5596p+0, -0x1.829d32ec72acbp+1,
    -0x1.d29d32ec72acbp+1, -0x1.729d32ec72acbp+1, -0x1.8a74cbb1cab2cp-1, -0x1.aa9d32ec72acbp+1,
    -0x1.214e997639566p+2,
};
static const double causal_y[50] = {
    0x1.0000000000000p+0, 0, 0, 0,
    0, 0x1.8b90da840a3cep-3, 0x1.9d1bc95efd70cp-1, 0,
    0, 0, 0x1.db9927e9dbf4fp-2, 0x1.1569fcab8722dp-2,
    0x1.0efcdb6a9ce84p-2, 0, 0, 0x1.4ca2d2c750309p-2,
    0x1.07230280aa9cfp-2, 0x1.5c997d185e341p-2, 0x1.3e82b67e9bf98p-4, 0,
    0x1.a1563d10cff93p-3, 0x1.bfbcb2c2208f9p-3, 0x1.92380c2208903p-2, 0x1.f2680d59bbcd9p-4,
    0x1.0291e27840e08p-4, 0x1.0000000000000p+0, 0, 0,
    0, 0, 0x1.58672ae3ca4e1p-2, 0x1.53cc6a8e1ad8fp-1,
    0, 0, 0, 0x1.97e8b0df46069p-2,
    0x1.c1901c3ccd1e4p-4, 0x1.f7b3481186b1cp-2, 0, 0,
    0x1.b957603291fcbp-4, 0x1.9072f822f4c37p-2, 0x1.f5307500ebb7fp-3, 0x1.069ef54ff0e17p-2,
    0, 0x1.ff98e3f958103p-3, 0x1.0343cda8e763ap-3, 0x1.b812092ace390p-4,
    0x1.38bbad4a9b736p-3, 0x1.742f4e3edefe0p-2,
};
static const double cross_entropy_loss[4] = {
    0x1.4047fb3d05e05p+2, 0, 0x1.06af60024a2dap+2, 0x1.a145f6aaaa784p+1,
};
static const double cross_entropy_dx[24] = {
    -0x1.67c788e3c0712p+0, -0x1.0d3bd593c0a53p-4, 0x1.cce325f65c880p+0, -0x1.237e9cf2b73eep-7,
    -0x1.a5bbd863dd06ep-6, -0x1.2da7cc77aca7cp-2, 0, 0,
    0, 0, 0, 0,
    -0x1.b1462c3f85639p-2, -0x1.dfd0ab2d8c26ep-9, -0x1.b8ad4e3bd21afp-5, -0x1.dd1cf71fe125fp-8,
    -0x1.fec2b1f6711e0p-9, 0x1.f78d709dc7260p-2, 0x1.90079333d82fbp-1, -0x1.3b43f6b0d96f5p-9,
    -0x1.42974263a2078p-2, -0x1.851e6cedc34e3p-2, -0x1.14a7719768e06p-8, -0x1.4641458a2eccdp-4,
};
static const double l2_normalise_y[15] = {
    0, 0x1.8048144656144p-1, 0x1.503f11bd8b51cp-2, 0x1.00300d843962ep-2,
    0x1.08318df05b2dfp-1, -0x1.76739792f7a7bp-2, 0x1.0d9ae8036aa1bp-1, 0x1.498470e7bb376p-2,
    0x1.c15782b05c62dp-2, -0x1.1518191ff4b46p-1, 0x1.41d22be1d6decp-2, -0x1.5746953529762p-3,
    -0x1.822f67dbcea4ep-3, 0x1.0174efe7df189p-2, -0x1.c28ca3d5c66b0p-1,
};

#endif
