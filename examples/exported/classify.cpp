// SPDX-License-Identifier: MIT-0
// Classify binary PPM photos with an exported file: classify station.onnx PHOTO.ppm…
// Needs ONNX Runtime 1.17 or newer: c++ -std=c++17 classify.cpp -I include -lonnxruntime -o classify

#include <onnxruntime_cxx_api.h>

#include <cstdint>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

int main(int count, char** arguments) {
    Ort::Env environment;
    Ort::SessionOptions options;
    options.AddConfigEntry("session.x64quantprecision", "1");  // a file of --precision fast, on any processor
    Ort::Session session(environment, arguments[1], options);
    Ort::AllocatorWithDefaultOptions allocator;
    // A JSON list of class names; the label is a number in it, or -1: unknown, in a file exported with --reject.
    auto classes = session.GetModelMetadata().LookupCustomMetadataMapAllocated("simsearch.classes", allocator);
    std::cerr << "classes: " << classes.get() << "\n";

    for (int number = 2; number < count; ++number) {
        std::ifstream file(arguments[number], std::ios::binary);
        std::string magic;
        int64_t width, height, white;
        file >> magic >> width >> height >> white;
        file.get();
        std::vector<uint8_t> pixels(height * width * 3);  // rows from the top, red, green, blue
        file.read(reinterpret_cast<char*>(pixels.data()), pixels.size());

        const int64_t shape[] = {1, height, width, 3};
        auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
        auto images = Ort::Value::CreateTensor<uint8_t>(memory, pixels.data(), pixels.size(), shape, 4);
        const char* inputs[] = {"images"};
        const char* outputs[] = {"label", "similarities"};
        auto results = session.Run(Ort::RunOptions(), inputs, &images, 1, outputs, 2);
        std::cout << arguments[number] << " " << results[0].GetTensorData<int64_t>()[0] << " "
                  << results[1].GetTensorData<float>()[0] << "\n";
    }
}
